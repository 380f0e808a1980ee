"""share, shares, import, and links in place of paths: what commands make of their words, and what they print."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mega_cli.api.messages import LinkInfo
from mega_cli.formats.link import parse_link
from mega_cli.formats.share import new_share
from mega_cli.model import Secret
from mega_cli.options.amounts import parse_expiry_ms
from mega_cli.output.links import draw_qr, link_table, state_of
from mega_cli.share.links import LinkChange, LinkOptions, LinkState
from mega_cli.share.shares import Kept
from mega_cli.share.visit import LinkAddress
from tests.unit.commands.conftest import FakeVolume, Run

URL = f"https://cloud.example.org/s/{'A' * 22}#AQ{'A' * 65}"
NOW_NS = 1_700_000_000_000_000_000
DAY_MS = 86_400_000


def kept(**changes: object) -> Kept:
    """Make a share."""
    told: dict[str, object] = {
        "secret": bytes(32),
        "key": bytes(32),
        "has_password": False,
        "node_id": bytes(16),
        "is_live": True,
        "path": "/docs",
        "expires_ms": 0,
        "most_opened": 0,
        "note": "",
        "created_ms": 1_700_000_000_000,
    }
    return Kept(bytes(range(16)), new_share(**told | changes))


def info(**changes: object) -> LinkInfo:
    """Make what the server says of it."""
    told: dict[str, object] = {
        "link": bytes(range(16)),
        "seq": 1,
        "expires_ms": 0,
        "most_opened": 0,
        "opened": 2,
        "fetched_bytes": 2048,
        "created_ms": 1,
        "last_opened_ms": 0,
        "is_enabled": True,
        "is_revoked": False,
        "is_disabled": False,
    }
    return LinkInfo(**told | changes)  # type: ignore[arg-type]  # each field has its own type


@pytest.fixture
def services(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have the services of links note what they are asked."""

    def make_link(_session: object, path: object, options: LinkOptions, _posted: object) -> Kept:
        volume.calls.append((str(path), options))
        return kept()

    def change_link(_session: object, link_id: bytes, change: LinkChange, _posted: object) -> None:
        volume.calls.append(("change", link_id, change))

    def replace_link(_session: object, link_id: bytes, change: LinkChange, password: Secret | None, _p: object) -> Kept:
        volume.calls.append(("replace", link_id, change, password and password.reveal()))
        return kept()

    def revoke_links(_session: object, link_ids: list[bytes], _posted: object) -> None:
        volume.calls.append(("revoke", *link_ids))

    monkeypatch.setattr("mega_cli.commands.share.open_volume", volume.open)
    monkeypatch.setattr("mega_cli.commands.shares.open_volume", volume.open)
    monkeypatch.setattr("mega_cli.commands.share.make_link", make_link)
    for service in (change_link, replace_link, revoke_links):
        monkeypatch.setattr(f"mega_cli.commands.shares.{service.__name__}", service)
    monkeypatch.setattr("mega_cli.commands.shares.find_link", lambda _session, _word: kept(has_password=True))
    monkeypatch.setattr("mega_cli.commands.shares.list_links", lambda _session: [LinkState(kept(), "/docs", info())])
    for name in ("share", "shares"):
        monkeypatch.setattr(f"mega_cli.commands.{name}.url_of", lambda _session, _kept: URL)
        monkeypatch.setattr(f"mega_cli.commands.{name}.open_home", _Home)
        monkeypatch.setattr(f"mega_cli.commands.{name}.PostedLinks", _no_file)
    return volume


class _Home:
    posted_file = None


@contextmanager
def _no_file(_path: object) -> Iterator[None]:
    yield None


def test_share_prints_the_bare_link(services: FakeVolume, run: Run) -> None:
    """And nothing else, on either stream."""
    ran = run("share", "/docs")

    assert (ran.code, ran.out, ran.err) == (0, f"{URL}\n", "")
    ((path, options),) = services.calls
    assert path == "/docs"
    assert isinstance(options, LinkOptions)
    assert (options.is_live, options.most_opened, options.password, options.note) == (None, 0, None, "")
    assert options.expires_ms > 0, "thirty days unless told otherwise"


def test_share_takes_a_password_from_a_file_but_not_the_accounts(
    services: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of the account's password are not looked at."""
    monkeypatch.setenv("MEGA_PASSWORD", "the account's")
    run("share", "/docs")
    run("share", "/docs", "--frozen", "--expire", "never", "--password-file", "-", stdin=b"the link's\n")
    first, second = (call[1] for call in services.calls)

    assert isinstance(first, LinkOptions)
    assert isinstance(second, LinkOptions)
    assert (first.password, second.is_live, second.expires_ms) == (None, False, 0)
    assert second.password is not None
    assert second.password.reveal() == b"the link's"
    assert os.environ["MEGA_PASSWORD"] == "the account's"


@pytest.mark.usefixtures("services")
def test_share_without_a_terminal_cannot_ask(run: Run) -> None:
    """The hint names options that this command has."""
    ran = run("share", "/docs", "--password")

    assert ran.code == 2
    assert "--password-file" in ran.err


@pytest.mark.usefixtures("services")
def test_a_password_in_the_place_of_a_switch_is_not_repeated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of --password is a yes or no."""
    monkeypatch.setenv("MEGA_SHARE_PASSWORD", "hunter2")
    ran = run("share", "/docs")

    assert (ran.code, "hunter2" in ran.err) == (2, False)


@pytest.mark.usefixtures("services")
def test_a_drawing_leaves_stdout_alone(run: Run) -> None:
    """The square goes to stderr."""
    ran = run("share", "/docs", "--qr")

    assert ran.out == f"{URL}\n"
    assert len(ran.err.splitlines()) > 20


def test_a_drawing_is_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Square enough for a camera, without colours that a log would keep."""
    sink = io.StringIO()
    monkeypatch.setattr("sys.stderr", sink)
    draw_qr(URL)
    lines = sink.getvalue().splitlines()

    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (("--note", "x"), ("change", LinkChange(note="x"))),
        (("--max-downloads", "0"), ("change", LinkChange(most_opened=0))),
        (("--expire", "never"), ("change", LinkChange(expires_ms=0))),
        (("--no-password",), ("replace", LinkChange(), None)),
        (("--password-file", "-"), ("replace", LinkChange(), b"new")),
    ],
)
def test_edit_changes_in_place_or_makes_another_link(
    services: FakeVolume, run: Run, words: tuple[str, ...], call: tuple[object, ...]
) -> None:
    """A new link is printed; a change in place prints nothing."""
    ran = run("shares", "edit", "4f", *words, stdin=b"new\n")
    ((what, _id, *rest),) = services.calls

    assert (ran.code, (what, *rest)) == (0, call)
    assert ran.out == (f"{URL}\n" if what == "replace" else "")


@pytest.mark.parametrize("words", [(), ("--password", "--no-password"), ("--expire", "1999-01-01")])
def test_an_edit_that_means_nothing_is_refused(services: FakeVolume, run: Run, words: tuple[str, ...]) -> None:
    """Before anything is opened."""
    assert run("shares", "edit", "4f", *words).code == 2
    assert services.calls == []


def test_revoke_asks_before_it_ends_all(services: FakeVolume, run: Run) -> None:
    """Without a terminal it needs -y; which links are meant is told in one way."""
    assert run("shares", "revoke", "--all").code == 2
    assert run("shares", "revoke").code == 2
    assert run("shares", "revoke", "4f", "--all", "-y").code == 2
    assert run("shares", "revoke", "--path", "/other").code == 4
    assert services.calls == []
    for words in (("--all", "-y"), ("4f", "4f"), ("--path", "/")):
        assert run("shares", "revoke", *words).code == 0

    assert services.calls == [("revoke", bytes(range(16)))] * 3


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (LinkState(kept(), "/docs", info()), "enabled"),
        (LinkState(kept(), "/docs", None), "unposted"),
        (LinkState(kept(), "/docs", info(is_revoked=True, is_enabled=False)), "revoked"),
        (LinkState(kept(), "/docs", info(is_disabled=True)), "disabled"),
        (LinkState(kept(), None, info(is_enabled=False)), "gone"),
        (LinkState(kept(expires_ms=5), "/docs", info()), "expired"),
        (LinkState(kept(most_opened=2), "/docs", info()), "used-up"),
        (LinkState(kept(), "/docs", info(is_enabled=False)), "stopped"),
    ],
)
def test_a_state_is_one_word(state: LinkState, word: str) -> None:
    """What becomes of somebody who opens the link now."""
    assert state_of(state, 5) == word


def test_a_table_shows_no_url_unless_asked_and_escapes_notes() -> None:
    """A note is the owner's text, and may hold anything."""
    states = [LinkState(kept(note="x\x1b[2J"), "/docs", info())]
    plain, full = list(link_table(states, [], 0)), list(link_table(states, [URL], 0))

    assert (len(plain), len(full), list(link_table([], [], 0))) == (2, 3, [])
    assert "\x1b" not in plain[1]
    assert "00010203" in plain[1]
    assert "2.0K" in plain[1]
    assert full[2].strip() == URL


@pytest.mark.parametrize(
    ("text", "days"), [("1h", 1 / 24), ("7d", 7), ("2w", 14), ("2023-11-24T22:13:20Z", 10), ("NEVER", None)]
)
def test_an_expiry_is_ahead(text: str, days: float | None) -> None:
    """In so much time, at a moment, or never."""
    wanted = 0 if days is None else NOW_NS // 1_000_000 + days * DAY_MS

    assert parse_expiry_ms(text, NOW_NS) == wanted


def test_a_day_of_expiry_is_whole() -> None:
    """A link that ends with a day works on that day."""
    assert parse_expiry_ms("2023-11-20", NOW_NS) - parse_expiry_ms("2023-11-19", NOW_NS) == DAY_MS
    assert parse_expiry_ms("2023-11-16", NOW_NS) > NOW_NS // 1_000_000 + DAY_MS


@pytest.mark.parametrize("text", ["", "soon", "0d", "2023-11-01", "2023-99-01", "999999999y", "-1d"])
def test_what_is_no_expiry_is_refused(text: str) -> None:
    """What is past as well."""
    with pytest.raises(ValueError, match=r"link ends|past"):
        parse_expiry_ms(text, NOW_NS)


@pytest.fixture
def opened(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have every link open, and note which was meant."""

    @contextmanager
    def open_visit(_home: object, address: LinkAddress, *_: object) -> Iterator[FakeVolume]:
        volume.calls.append((address.url.text(), str(address.path)))
        yield volume

    monkeypatch.setattr("mega_cli.share.places.open_visit", open_visit)
    monkeypatch.setattr("mega_cli.commands.ls.list_path", lambda _files, _path, **_options: iter(()))
    return volume


@pytest.mark.parametrize(
    ("word", "path"), [(URL, "/"), (f"{URL}:/a/b", "/a/b"), (f"<{URL}>", "/"), ("link:", "/"), ("link:/a", "/a")]
)
def test_a_link_stands_in_place_of_a_path(
    opened: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch, word: str, path: str
) -> None:
    """In an argument, or in a variable that no child inherits."""
    monkeypatch.setenv("MEGA_LINK", URL)
    ran = run("ls", word)

    assert (ran.code, opened.calls) == (0, [(parse_link(URL).text(), path)])
    assert ("other users" in ran.err) == (word not in ("link:", "link:/a"))
    assert ("MEGA_LINK" in os.environ) == (word not in ("link:", "link:/a"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ls", URL[:-3]), 2),
        (("ls", URL.replace("#AQ", "#Ag")), 17),
        (("get", URL, "/own", "."), 2),
        (("import", "/docs", "/"), 2),
        (("ls", "link:"), 2),
    ],
)
def test_words_that_are_no_link_are_refused(opened: FakeVolume, run: Run, words: tuple[str, ...], code: int) -> None:
    """Cut, of a version to come, mixed with paths, or not told at all; nothing is opened and no message repeats it."""
    ran = run(*words)

    assert (ran.code, opened.calls) == (code, [])
    assert "AAAA" not in ran.err + ran.out
