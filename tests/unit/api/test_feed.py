"""What the client takes from the feed, and when it asks again."""

from __future__ import annotations

import msgspec
import pytest

from mega_cli.api.client import ServerClient
from mega_cli.api.feed import FeedAnswer, FeedPace
from mega_cli.api.retry import RetryableError
from mega_cli.errors import IntegrityError
from mega_cli.model import Secret, VolumeId
from mega_server.protocol.messages import FeedReply, VolumeInfo
from tests.kit.wire import Answer, ScriptedWire, answered, patient

VOLUME = VolumeId(bytes(16))
LATE_S = 55.0
AT_ONCE_S = 0.01


def asked(answer: Answer, after: str = "", wait_s: float = 0.0) -> tuple[FeedAnswer, ScriptedWire]:
    """Ask the feed once."""
    wire = ScriptedWire([answer])
    return ServerClient(wire, Secret(b"token"), retry=patient()).feed(after, wait_s), wire


def reply(*, cursor: str = "0a", is_reset: bool = False, rest_s: float = 0.0, **revisions: int) -> Answer:
    """Write an answer; volumes are named by one letter of their id."""
    changes = [VolumeInfo(volume=name * 32, revision=revision) for name, revision in revisions.items()]
    message = FeedReply(cursor=cursor, is_reset=is_reset, changes=changes, rest_s=rest_s)
    return answered(msgspec.json.encode(message))


def told(revision: int, rest_s: float = 0.0) -> FeedAnswer:
    """Build an answer that tells of one volume; of none for revision 0."""
    return FeedAnswer("0a", is_reset=False, revisions={VOLUME: revision} if revision else {}, rest_s=rest_s)


def test_a_change_is_a_hint() -> None:
    """Volumes and revisions come out, and the cursor for the next question."""
    answer, _ = asked(reply(a=7))

    assert answer == FeedAnswer("0a", is_reset=False, revisions={VolumeId(b"\xaa" * 16): 7}, rest_s=0.0)
    assert answer.is_hint


@pytest.mark.parametrize(("is_reset", "is_hint"), [(False, False), (True, True)])
def test_silence_is_no_hint_and_a_reset_is_one(*, is_reset: bool, is_hint: bool) -> None:
    """Nothing moved says nothing; a reset says to look at every head."""
    assert asked(reply(is_reset=is_reset))[0].is_hint is is_hint


@pytest.mark.parametrize(("wait_s", "wanted"), [(-1.0, 0), (0.2, 1), (30.0, 30), (1e9, 55)])
def test_the_question_names_cursor_and_wait(wait_s: float, wanted: int) -> None:
    """Whole seconds, never more than servers take; the transport is told to be as patient."""
    _, wire = asked(reply(), "0b", wait_s)

    assert wire.asked[0].path == f"/v1/feed?after=0b&wait={wanted}"
    assert wire.asked[0].wait_s <= wanted


def test_a_failure_is_not_tried_again() -> None:
    """Whoever watches the feed decides that."""
    with pytest.raises(RetryableError):
        asked(RetryableError("cut"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"cursor":"0a","is_reset":false,"rest_s":0}',
        b'{"cursor":"a b","is_reset":false,"changes":[],"rest_s":0}',
        b'{"cursor":"","is_reset":false,"changes":[],"rest_s":0}',
        b'{"cursor":"' + b"0" * 65 + b'","is_reset":false,"changes":[],"rest_s":0}',
        b'{"cursor":"0a","is_reset":false,"changes":[],"rest_s":-1}',
        b'{"cursor":"0a","is_reset":false,"changes":[{"volume":"0","revision":1}],"rest_s":0}',
        b'{"cursor":"0a","is_reset":false,"changes":[{"volume":"' + b"0" * 32 + b'","revision":-1}],"rest_s":0}',
    ],
)
def test_nonsense_is_a_wrong_answer(body: bytes) -> None:
    """What is no reply of the contract is refused whole."""
    with pytest.raises(IntegrityError):
        asked(answered(body))


def test_a_server_cannot_switch_the_feed_off() -> None:
    """However long a rest it wishes, it gets a minute."""
    assert asked(reply(rest_s=1e12))[0].rest_s == 60


def test_after_a_long_wait_the_next_question_follows_at_once() -> None:
    """A held question that ends, with news or without, is asked again without a rest."""
    pace = FeedPace()

    assert [pace.rest_s(told(revision), LATE_S) for revision in (0, 2, 0)] == [0, 0, 0]


def test_news_at_once_are_taken_once_a_second() -> None:
    """A busy device's commits are told as they come, but questions begin a second apart."""
    pace = FeedPace()

    assert {pace.rest_s(told(revision), 0.25) for revision in range(1, 100)} == {0.75}


def test_a_flood_of_nothing_is_asked_ever_less_often() -> None:
    """Answers without delay and news double the rest, up to a minute."""
    pace = FeedPace()
    rests_s = [round(pace.rest_s(told(5), AT_ONCE_S)) for _ in range(20)]

    assert rests_s == [1, 2, 4, 8, 16, 32, *[60] * 14]


def test_a_revision_that_goes_up_and_down_is_no_news() -> None:
    """What was told before does not become new by telling less in between."""
    pace = FeedPace()
    rests_s = [pace.rest_s(told(revision), 0.0) for revision in (5, 9, 5, 9, 5, 9)]

    assert rests_s == [1, 1, 2, 4, 8, 16]


def test_an_answer_that_took_its_time_ends_the_suspicion() -> None:
    """After one held question the rests are short again."""
    pace = FeedPace()
    for took_s in (AT_ONCE_S,) * 10:
        pace.rest_s(told(0), took_s)

    assert pace.rest_s(told(0), LATE_S) == 0
    assert pace.rest_s(told(1), 0.0) == 1


def test_the_servers_wish_is_kept() -> None:
    """A server that cannot hold the question names the delay, and it does not grow by itself."""
    pace = FeedPace()

    assert [pace.rest_s(told(0, 20.0), AT_ONCE_S) for _ in range(5)] == [20] * 5
