"""The recovery kit read back: whole pages, bare secrets, and what is refused."""

from __future__ import annotations

import textwrap

import pytest

from mega_cli.errors import UsageError
from mega_cli.formats.recovery_kit import (
    Kit,
    decode_account_key,
    decode_recovery_secret,
    encode_account_key,
    encode_recovery_secret,
    kit_text,
    read_kit,
)
from mega_cli.model import Secret
from tests.kit.forge import fixed

RK, KEY, WORDS = fixed("rk"), Secret(fixed("account key")), [f"word{n}" for n in range(12)]
PLACE = ("alice", "https://mega.example")


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("indent", ["", "  > ".replace(">", " ")])
def test_a_page_reads_back(key: Secret | None, indent: str) -> None:
    """With and without an account key, and indented by whoever kept it."""
    page = textwrap.indent(kit_text(*PLACE, RK, WORDS, key), indent)

    assert read_kit(page) == Kit(RK, *PLACE, tuple(WORDS), key)


def test_a_bare_secret_is_a_kit_that_names_nothing() -> None:
    """As typed from paper."""
    assert read_kit(encode_recovery_secret(RK).lower().replace("-", " ")) == Kit(RK)


def test_neither_secret_passes_for_the_other() -> None:
    """Their checksums differ, and the message says which was given; it never repeats it."""
    with pytest.raises(UsageError, match="the kit's account key"):
        decode_recovery_secret(encode_account_key(KEY))
    with pytest.raises(UsageError, match="the kit's recovery secret") as caught:
        decode_account_key(encode_recovery_secret(RK))
    assert encode_recovery_secret(RK)[:9] not in str(caught.value)


def test_an_account_key_is_read_alone_or_from_the_kit() -> None:
    """The file of a profile holds it alone."""
    assert decode_account_key(encode_account_key(KEY) + "\n") == KEY
    assert decode_account_key(kit_text(*PLACE, RK, WORDS, KEY)) == KEY
    with pytest.raises(UsageError, match="no account key"):
        decode_account_key(kit_text(*PLACE, RK, WORDS))


def test_a_damaged_page_is_refused() -> None:
    """A fingerprint that cannot be compared is not passed over."""
    page = kit_text(*PLACE, RK, WORDS)
    for damaged in (page.replace("word11", ""), page.replace("Fingerprint", "Finger"), page[: page.index("Finger")]):
        with pytest.raises(UsageError):
            read_kit(damaged)


def test_a_kit_shows_no_secret() -> None:
    """Neither in `repr` nor in `str`."""
    shown = repr(read_kit(kit_text(*PLACE, RK, WORDS, KEY)))

    assert repr(RK)[2:10] not in shown
    assert repr(KEY.reveal())[2:10] not in shown
