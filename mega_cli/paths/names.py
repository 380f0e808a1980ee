"""Names: what a remote name may be, how disk bytes become one and come back, and how a name is shown.

Names from others are hostile: nothing here ever yields a disk name that is empty, `.`, `..` or holds `/` or NUL, and
nothing else may turn a remote name into a disk name. The rules stand in `docs/formats/names.md`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mega_cli.errors import LimitError, UsageError

NAME_MAX_BYTES: Final = 255
ESCAPE_MARKER: Final = "\uf74d"
"""A private-use character: a text that starts with it spells disk bytes that are not UTF-8."""

_OTHER_NAME: Final = "choose another name"
_ESCAPED_BYTE: Final = re.compile(rb"%([0-9A-F]{2})")
_JOINERS: Final = "\u200c\u200d"  # letters of many scripts, and composed emoji, need them
_WINDOWS_DEVICES: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)")
_WINDOWS_CHARACTERS: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


def check_name(name: str) -> str:
    """Give back `name` if a remote entry may have it. Raises UsageError, or LimitError when it is too long."""
    if name in {"", ".", ".."}:
        msg = "a name cannot be empty, “.” or “..”"
        raise UsageError(msg, _OTHER_NAME)
    if "/" in name or "\0" in name:
        msg = "a name cannot hold “/” or a NUL character"
        raise UsageError(msg, _OTHER_NAME)
    if name.isascii():
        size_bytes = len(name)
    else:
        if not unicodedata.is_normalized("NFC", name):
            msg = "a name is not in Unicode's composed form (NFC)"
            raise UsageError(msg, _OTHER_NAME)
        size_bytes = len(_utf8(name))
    _check_size(size_bytes)
    return name


def name_from_disk(raw: bytes) -> tuple[str, bytes]:
    """Turn a disk name into a remote name and the exact bytes to remember, `b""` when the name spells them itself.

    Raises LimitError when the remote name would exceed 255 bytes, and UsageError when `raw` is no file's name.
    """
    if raw.isascii():  # nearly all names, and they are their own remote name
        return check_name(raw.decode("ascii")), b""
    text = text_from_disk(raw)
    name = text if text.startswith(ESCAPE_MARKER) else unicodedata.normalize("NFC", text)
    check_name(name)
    return name, b"" if name.encode() == raw else raw


def name_to_disk(name: str, raw_name: bytes = b"") -> bytes:
    """Turn a remote name into one safe component of a disk path.

    `raw_name` is a claim by whoever wrote the entry: it is honoured only when it reads back as `name`. Raises as
    `check_name` does.
    """
    check_name(name)
    candidates = (raw_name, _unescape(name)) if name.startswith(ESCAPE_MARKER) else (raw_name,)
    for candidate in candidates:
        if candidate and _reads_as(candidate, name):
            return candidate
    return name.encode()


def text_from_disk(raw: bytes) -> str:
    """Turn any bytes into text that tells them exactly: UTF-8 as it is, anything else escaped."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return _escape(raw)
    # A text that looks escaped is escaped itself, or two disk names would meet in one.
    return _escape(raw) if text.startswith(ESCAPE_MARKER) else text


def text_to_disk(text: str) -> bytes:
    """Turn text made by `text_from_disk` into its bytes, and any other text into its UTF-8. Raises UsageError."""
    if text.startswith(ESCAPE_MARKER):
        raw = _unescape(text)
        if text_from_disk(raw) == text:
            return raw
    return _utf8(text)


def printable(text: str) -> str:
    r"""Escape what could command a terminal or mislead the eye: control, bidirectional and invisible characters.

    It is for eyes only; JSON carries names exactly.

    >>> printable("a\x1b[31m\u202egnp.exe")
    'a\\x1b[31m\\u202egnp.exe'
    """
    if text.isprintable():
        return text
    return "".join(_printable_character(character) for character in text)


def windows_problem(name: str) -> str:
    """Say why Windows cannot hold a file of this name, or give an empty text."""
    if _WINDOWS_DEVICES.match(name):
        return "Windows keeps this name for a device"
    if _WINDOWS_CHARACTERS.search(name):
        return "the name holds a character that Windows does not allow"
    if name.endswith((".", " ")):
        return "Windows drops a dot or space at the end of a name"
    return ""


def _reads_as(raw: bytes, name: str) -> bool:
    """Tell whether the disk would show `raw` as `name`; an unsafe or overlong `raw` never is."""
    if len(raw) > NAME_MAX_BYTES:
        return False
    try:
        return name_from_disk(raw)[0] == name
    except (UsageError, LimitError):
        return False


def _escape(raw: bytes) -> str:
    """Spell bytes: the marker, then text, with `%XX` for each byte that is not UTF-8 and `%25` for `%`."""
    marker = ESCAPE_MARKER.encode()
    inner = raw.removeprefix(marker)
    spelled = "%EF%9D%8D" if inner != raw else ""
    text = inner.decode("utf-8", "surrogateescape").replace("%", "%25")
    spelled += "".join(f"%{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in text)
    if not unicodedata.is_normalized("NFC", spelled):
        # Composing would change the spelled bytes, so this name shows no letter beyond ASCII.
        spelled = "".join(chr(byte) if byte < 0x80 and byte != 0x25 else f"%{byte:02X}" for byte in raw)  # noqa: PLR2004 -- ASCII, and "%"
    return ESCAPE_MARKER + spelled


def _unescape(text: str) -> bytes:
    """Read back what `_escape` spelled; the caller checks that the bytes spell this very text."""
    spelled = _utf8(text.removeprefix(ESCAPE_MARKER))
    return _ESCAPED_BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), spelled)


def _utf8(text: str) -> bytes:
    """Encode strictly. Raises UsageError for text that is not Unicode (half a surrogate pair)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        msg = "a name is not valid Unicode text"
        raise UsageError(msg, _OTHER_NAME) from None


def _check_size(size_bytes: int) -> None:
    """Refuse a name that is too long. Raises LimitError."""
    if size_bytes > NAME_MAX_BYTES:
        msg = f"a name has {size_bytes} bytes; at most {NAME_MAX_BYTES} fit"
        raise LimitError(msg, "choose a shorter name")


def _printable_character(character: str) -> str:
    """Escape one character if it is a control, formatting, separator or half-pair character."""
    is_safe = character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return character if is_safe else character.encode("unicode_escape").decode("ascii")
