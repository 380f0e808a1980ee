"""Tests of pages beyond the vectors: where they end, what they hide, whom they evict."""

from __future__ import annotations

from mega_cli.formats.page import IndexItem, Page, ends_page, is_name
from mega_cli.formats.recovery_kit import encode_recovery_secret, kit_text
from mega_cli.formats.root_record import MAX_DEVICES, with_device
from tests.kit.forge import KEYS, entry, fixed


def test_one_name_in_32_ends_a_page() -> None:
    """The keyed choice has the mean it should have, and another level chooses other names."""
    names = [f"file {n}" for n in range(20_000)]
    at_level = [[name for name in names if ends_page(name, level, KEYS.page)] for level in (0, 1)]

    assert all(500 < len(chosen) < 750 for chosen in at_level)
    assert at_level[0] != at_level[1]


def test_another_key_ends_pages_elsewhere() -> None:
    """Who does not know the key cannot say where pages end."""
    names = [f"file {n}" for n in range(1000)]
    other = fixed("other page key")

    assert [ends_page(name, 0, KEYS.page) for name in names] != [ends_page(name, 0, other) for name in names]


def test_names_and_targets_do_not_show() -> None:
    """Neither entries nor pages nor index items print what they hold."""
    secret = entry("diary.txt", target="elsewhere")
    shown = repr([secret, IndexItem("diary.txt", bytes(80)), Page(0, [secret])])

    assert "diary" not in shown
    assert "elsewhere" not in shown


def test_a_name_with_a_lone_surrogate_is_none() -> None:
    """What has no UTF-8 form is refused, not raised."""
    assert not is_name("a\udc80")


def test_a_sixteenth_device_evicts_the_longest_silent() -> None:
    """The table keeps the fifteen that committed last, the newest at the end."""
    devices: tuple[tuple[bytes, int], ...] = ()
    for n in range(MAX_DEVICES + 1):
        devices = with_device(devices, bytes([n] * 16), n)

    assert [seq for _, seq in devices] == list(range(1, MAX_DEVICES + 1))
    assert with_device(devices, bytes([1] * 16), 99)[-1] == (bytes([1] * 16), 99)


def test_the_kit_holds_what_is_needed_to_return() -> None:
    """Account, server, the whole secret and the fingerprint stand on the page."""
    words = [f"word{n}" for n in range(12)]
    text = kit_text("alice", "https://mega.example", fixed("rk"), words)
    groups = encode_recovery_secret(fixed("rk")).split("-")

    assert all(part in text for part in ("alice", "https://mega.example", *words, *groups))
