"""Links from their owner's side: made, changed, ended, and in step with the tree whatever was cut."""

from __future__ import annotations

import pytest

from mega_cli.errors import LimitError, MissingItemError, TemporaryError, UsageError
from mega_cli.formats.page import EXT_SHARE
from mega_cli.formats.share import share_name
from mega_cli.paths.remote import RemotePath
from mega_cli.share.links import (
    LinkChange,
    change_link,
    find_link,
    list_links,
    replace_link,
    revoke_links,
)
from mega_cli.share.shares import SHARES, read_shares
from mega_cli.state.posted import Posted
from mega_cli.volume.changes import move, remove
from mega_cli.volume.commit import open_tree
from mega_cli.volume.trash import empty, list_trash, restore
from mega_server.services.links import disable_link, revoke_link
from tests.kit.server import backend_of
from tests.unit.share.conftest import PASSWORD, CutError, Desk

ROOT = RemotePath()


def remote(path: str) -> RemotePath:
    """Read a path."""
    return RemotePath.parse(path)


def empty_trash(desk: Desk) -> None:
    """Take everything out of the trash."""
    empty(desk.session, {trashed.entry.name for trashed in list_trash(desk.session)})


def test_a_folders_link_is_live_and_a_files_frozen(desk: Desk) -> None:
    """Unless told otherwise."""
    kinds = [
        desk.share(path, **told).share.is_live
        for path, told in (
            ("/docs", {}),
            ("/docs/one.txt", {}),
            ("/docs", {"is_live": False}),
            ("/docs/one.txt", {"is_live": True}),
        )
    ]

    assert kinds == [True, False, False, True]


def test_a_link_shows_what_it_names(desk: Desk) -> None:
    """A visitor without an account lists and reads it."""
    assert desk.names(desk.share("/docs")) == ["one.txt", "two.txt"]


def test_what_cannot_be_shared_is_refused_before_a_commit(desk: Desk) -> None:
    """The whole account, a symbolic link, nothing at all, and a note beyond all measure."""
    (desk.folder / "disk" / "link").symlink_to("docs")
    desk.put_path(desk.folder / "disk" / "link")
    revision = desk.session.head().revision

    for path, error in (("/", UsageError), ("/link", UsageError), ("/none", MissingItemError)):
        with pytest.raises(error):
            desk.share(path)
    with pytest.raises(LimitError):
        desk.share("/docs", note="x" * 501)
    assert desk.session.head().revision == revision


def test_a_live_link_follows_an_edit(desk: Desk) -> None:
    """What a put adds is shown once the link is in step."""
    kept = desk.share("/docs")
    desk.put("docs/three.txt")

    assert desk.heal() == 1
    assert desk.names(kept) == ["one.txt", "three.txt", "two.txt"]


def test_a_live_link_follows_a_move(desk: Desk) -> None:
    """Its node has another name and place; the share remembers it, so that it is searched for once."""
    kept = desk.share("/docs")
    move(desk.session, [remote("/docs")], remote("/papers"))

    assert desk.heal() == 1
    assert list_links(desk.session)[0].path == "/papers"
    assert desk.visit(kept).entry.name == "papers"
    assert desk.heal() == 0


def test_a_link_stops_when_its_target_leaves_and_goes_on_when_it_is_back(desk: Desk) -> None:
    """Removed: gone for visitors. Restored, even elsewhere: the same URL works again."""
    kept = desk.share("/docs")
    remove(desk.session, [remote("/docs")], is_recursive=True)
    desk.heal()
    with pytest.raises(MissingItemError):
        desk.visit(kept)
    (trashed,) = list_trash(desk.session)
    restore(desk.session, [trashed.id], remote("/elsewhere"))

    desk.heal(is_thorough=True)

    assert desk.names(kept) == ["one.txt", "two.txt"]


def test_a_link_that_stands_still_is_searched_for_only_when_asked(desk: Desk) -> None:
    """A put must not walk the whole tree for it each time."""
    desk.share("/docs")
    remove(desk.session, [remote("/docs")], is_recursive=True)
    desk.heal()
    (trashed,) = list_trash(desk.session)
    restore(desk.session, [trashed.id], remote("/elsewhere"))

    assert desk.heal() == 0
    assert desk.heal(is_thorough=True) == 1


def test_another_file_at_the_same_path_is_not_the_target(desk: Desk) -> None:
    """A link names a node: what takes its place is not shown."""
    kept = desk.share("/docs/one.txt", is_live=True)
    remove(desk.session, [remote("/docs/one.txt")])
    desk.put("docs/one.txt", b"a secret that took its place")
    desk.heal()

    with pytest.raises(MissingItemError):
        desk.visit(kept)


def test_a_frozen_link_outlives_its_file(desk: Desk) -> None:
    """Changed, removed, and gone from the trash: it shows what it showed."""
    kept = desk.share("/docs", is_live=False)
    desk.put("docs/three.txt")
    remove(desk.session, [remote("/docs")], is_recursive=True)
    empty_trash(desk)
    desk.heal()

    assert desk.names(kept) == ["one.txt", "two.txt"]


def test_a_link_that_was_not_posted_is_posted_by_the_next_run(desk: Desk) -> None:
    """The process dies between the commit and the post."""
    desk.wire.cut_before = "POST /v1/links"
    with pytest.raises(CutError):
        desk.share("/docs")
    desk.wire.cut_before = ""
    (state,) = list_links(desk.session)
    assert state.info is None

    assert desk.heal() == 1
    assert desk.names(state.kept) == ["one.txt", "two.txt"]


def test_a_change_that_was_not_posted_is_posted_by_the_next_run(desk: Desk) -> None:
    """The process dies between the commit of a rename and the update."""
    kept = desk.share("/docs")
    move(desk.session, [remote("/docs")], remote("/papers"))
    desk.wire.cut_before = "PUT /v1/links"
    with pytest.raises(CutError):
        desk.heal()
    desk.wire.cut_before = ""

    desk.heal()

    assert desk.visit(kept).entry.name == "papers"


def test_a_share_whose_link_has_ended_is_dropped(desk: Desk) -> None:
    """The process died between the revocation and the commit, or another device revoked it."""
    kept = desk.share("/docs")
    revoke_link(backend_of(desk.app), "alice", kept.link_id)

    assert desk.heal() == 1
    assert list_links(desk.session) == []


def test_a_link_that_the_server_does_not_take_leaves_no_share(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are too many: the refusal is told, and nothing heals it into being later."""
    monkeypatch.setattr("mega_server.services.links.LINKS_PER_ACCOUNT", 0)

    with pytest.raises(LimitError):
        desk.share("/docs")
    assert list_links(desk.session) == []


def test_without_shares_nothing_is_asked(desk: Desk) -> None:
    """Healing after a commit costs a user without links no request."""
    desk.put("docs/three.txt")
    before = len(desk.wire.requests)

    assert desk.heal() == 0
    assert len(desk.wire.requests) == before


def test_links_in_step_cost_one_request(desk: Desk) -> None:
    """The list, and nothing else."""
    desk.share("/docs")
    desk.share("/docs/one.txt")
    before = len(desk.wire.requests)

    assert desk.heal() == 0
    assert desk.wire.paths[before:] == ["/v1/links"]


def test_a_device_that_forgot_what_it_posted_posts_again(desk: Desk) -> None:
    """The file may be deleted at any time."""
    kept = desk.share("/docs")
    desk.posted.forget(kept.link_id)

    assert (desk.heal(), desk.heal()) == (1, 0)


def test_a_server_that_went_back_is_brought_forward(desk: Desk) -> None:
    """It was restored from a backup: its record is older than what was posted."""
    kept = desk.share("/docs")
    last = desk.posted.last(kept.link_id)
    assert last is not None
    desk.posted.remember(kept.link_id, Posted(last.state, last.seq + 1))

    assert desk.heal() == 1


def test_a_newer_state_by_another_device_is_no_failure(desk: Desk) -> None:
    """Two devices heal at once: the later one wins, and the other is content."""
    desk.share("/docs")
    desk.put("docs/three.txt")
    desk.wire.lies["/v1/links"] = lambda told: {"links": [{**link, "seq": 0} for link in told["links"]]}

    desk.heal()


def test_a_newer_versions_share_is_left_alone(desk: Desk) -> None:
    """It is neither understood nor dropped, and hides none of the others."""
    kept, other = desk.share("/docs"), desk.share("/docs/one.txt")
    tree = open_tree(desk.session, desk.session.head())
    folder = tree.folder((SHARES,))
    entry = folder.lookup(share_name(other.link_id))
    assert entry is not None
    raw = entry.ext[EXT_SHARE]
    folder.set(entry.replace(ext={EXT_SHARE: raw[:1] + b"\x02" + raw[2:]}))

    assert [found.link_id for found in read_shares(desk.session, tree)] == [kept.link_id]


def test_a_link_changes_in_place(desk: Desk) -> None:
    """Limit, expiry and note; the URL stays."""
    kept = desk.share("/docs")
    url = desk.url(kept)

    change_link(desk.session, kept.link_id, LinkChange(5, 7, "hello"), desk.posted)

    (state,) = list_links(desk.session)
    assert state.info is not None
    assert (state.info.expires_ms, state.info.most_opened, state.kept.share.note) == (5, 7, "hello")
    assert desk.url(state.kept) == url


def test_a_password_makes_another_link_and_ends_the_old_one(desk: Desk) -> None:
    """The old URL is gone, the new one needs the password and shows the same."""
    old = desk.share("/docs", note="kept")
    url = desk.url(old)

    new = replace_link(desk.session, old.link_id, LinkChange(), PASSWORD, desk.posted)

    with pytest.raises(MissingItemError):
        desk.visit(url)
    assert desk.names(new) == ["one.txt", "two.txt"]
    assert [state.kept.share.note for state in list_links(desk.session)] == ["kept"]


@pytest.mark.parametrize("step", ["POST /v1/volumes", "/commits", "POST /v1/links"])
def test_a_link_that_shall_have_a_password_is_never_open_without(desk: Desk, step: str) -> None:
    """Wherever it is cut, and whatever heals it: the old URL opens nothing from the first request on."""
    old = desk.share("/docs")
    url = desk.url(old)
    desk.wire.cut_before = step
    with pytest.raises(CutError):
        replace_link(desk.session, old.link_id, LinkChange(), PASSWORD, desk.posted)
    desk.wire.cut_before = ""
    with pytest.raises(MissingItemError):
        desk.visit(url)

    desk.heal()

    with pytest.raises(MissingItemError):
        desk.visit(url)
    assert all(state.kept.share.has_password for state in list_links(desk.session))


def test_revoked_links_are_gone_at_once_and_for_ever(desk: Desk) -> None:
    """In the tree as well, and the frozen content with it."""
    kept = [desk.share("/docs"), desk.share("/docs/one.txt")]
    urls = [desk.url(one) for one in kept]

    revoke_links(desk.session, [one.link_id for one in kept], desk.posted)

    for url in urls:
        with pytest.raises(MissingItemError):
            desk.visit(url)
    assert (list_links(desk.session), desk.posted.link_ids()) == ([], [])


def test_a_link_is_found_by_the_beginning_of_its_id(desk: Desk) -> None:
    """In hexadecimal, as in the URL, or by the URL; not by nothing, and not when several begin so."""
    kept = desk.share("/docs")
    url = desk.url(kept)

    for word in (kept.link_id.hex()[:6], kept.link_id.hex().upper(), url.split("/s/")[1][:5], url):
        assert find_link(desk.session, word).link_id == kept.link_id
    for word in ("", "zz", "…"):
        with pytest.raises(MissingItemError):
            find_link(desk.session, word)
    for _ in range(17):
        desk.share("/docs")
    digits = [state.kept.link_id.hex()[0] for state in list_links(desk.session)]
    with pytest.raises(UsageError):
        find_link(desk.session, max(digits, key=digits.count))


def test_what_the_administrator_stopped_is_told(desk: Desk) -> None:
    """Its owner sees it, and healing does not fight it."""
    kept = desk.share("/docs")
    disable_link(backend_of(desk.app), kept.link_id, is_disabled=True)

    assert desk.heal() == 0
    (state,) = list_links(desk.session)
    assert state.info is not None
    assert state.info.is_disabled


def test_a_server_that_cannot_be_reached_leaves_the_share_to_be_posted(desk: Desk) -> None:
    """What could not be told is told by the next run."""
    desk.wire.lies["/v1/links"] = _unavailable
    with pytest.raises(TemporaryError):
        desk.share("/docs")
    desk.wire.lies.clear()

    assert desk.heal() == 1


def _unavailable(_told: dict[str, object]) -> dict[str, object]:
    raise TemporaryError("the server is away")
