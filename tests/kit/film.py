"""Films and sounds made for a test, so that any picture tells at which second it belongs.

Encoding is slow, so a few different seconds are encoded once and written again and again with later times.
"""

from __future__ import annotations

import math
import struct
import wave
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.video.stream import VideoStream

from tests.kit.forge import fixed

WIDTH: Final = 320
HEIGHT: Final = 180
FPS: Final = 5
SHADES: Final = 23
"""Seconds that look different: the upper half is one grey."""


def shade_of(second: int) -> int:
    """Say how bright the upper half is in a second, as a canvas reads it."""
    return round((_luma(second) - 16) * 255 / 219)


def make_film(path: Path, seconds: int, *, bytes_per_second: int = 260_000) -> None:
    """Write a WebM file (VP8) with a key frame at each second; the lower half is noise, which no codec makes small."""
    with av.open(path, "w", format="webm") as film:
        stream = film.add_stream("libvpx", rate=FPS, options=_options(8 * bytes_per_second))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 8 * bytes_per_second
        packets = [packet for at in range(SHADES * FPS) for packet in stream.encode(_frame(at))] + stream.encode()
        encoded = [bytes(packet) for packet in packets]
        keys = [packet.is_keyframe for packet in packets]
        assert keys == [at % FPS == 0 for at in range(SHADES * FPS)]
        for at in range(seconds * FPS):
            packet = av.Packet(encoded[at % len(encoded)])
            packet.stream, packet.time_base = stream, Fraction(1, FPS)
            packet.pts = packet.dts = at
            packet.is_keyframe = keys[at % len(keys)]
            film.mux(packet)


def make_sound(path: Path, seconds: float, hertz: int) -> None:
    """Write a WAV file with one tone."""
    rate = 8_000
    samples = (int(8_000 * math.sin(2 * math.pi * hertz * at / rate)) for at in range(int(seconds * rate)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def _luma(second: int) -> int:
    return 30 + 8 * (second % SHADES)


def _options(bits: int) -> dict[str, str]:
    quality = {
        "deadline": "realtime",
        "cpu-used": "16",
        "qmin": "0",
        "qmax": "10",
        "g": str(FPS),
        "keyint_min": str(FPS),
    }
    return quality | {"minrate": str(bits), "maxrate": str(bits), "bufsize": str(2 * bits), "lag-in-frames": "0"}


def _frame(at: int) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    grey = bytes([_luma(at // FPS)]) * WIDTH
    noise = fixed(f"noise {at}", WIDTH * HEIGHT // 2)
    rows = [grey] * (HEIGHT // 2) + [noise[at : at + WIDTH] for at in range(0, len(noise), WIDTH)]
    frame.planes[0].update(b"".join(row.ljust(frame.planes[0].line_size, b"\0") for row in rows))
    for plane in frame.planes[1:]:
        plane.update(b"\x80" * plane.buffer_size)
    frame.pts = at
    return frame
