"""The retry policy."""

from __future__ import annotations

import pytest

from mega_cli.api.retry import Retry, RetryableError, RetryPolicy
from mega_cli.errors import IntegrityError
from tests.kit.wire import patient


class Failing:
    """Fails with the errors given, then returns "done"."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)

    def __call__(self) -> str:
        """Fail, or not."""
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def test_waits_double_up_to_the_bound() -> None:
    """The longest wait doubles from the first and stops growing."""
    policy = RetryPolicy(attempts=9, first_wait_s=1.0, longest_wait_s=8.0)

    assert [policy.wait_s(n, 1.0, None) for n in range(1, 7)] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_jitter_is_full() -> None:
    """The wait is anything from nothing to the longest."""
    policy = RetryPolicy(first_wait_s=4.0)

    assert [policy.wait_s(1, part, None) for part in (0.0, 0.25, 0.5)] == [0.0, 1.0, 2.0]


def test_retry_after_is_a_lower_bound() -> None:
    """What the server asks for is waited in full, the jitter on top."""
    assert RetryPolicy(first_wait_s=4.0).wait_s(1, 0.5, 10.0) == 12.0


@pytest.mark.parametrize("retry_after_s", [61.0, 1e300, float("inf")])
def test_a_long_retry_after_gives_up(retry_after_s: float) -> None:
    """A pause longer than we wait is the user's to decide."""
    assert RetryPolicy(longest_retry_after_s=60.0).wait_s(1, 0.5, retry_after_s) is None


@pytest.mark.parametrize("retry_after_s", [-5.0, float("-inf"), float("nan")])
def test_what_is_no_pause_counts_as_none(retry_after_s: float) -> None:
    """A server cannot make the client sleep for a negative time, or for what is not a number."""
    assert RetryPolicy(first_wait_s=4.0).wait_s(1, 0.5, retry_after_s) == 2.0


def test_the_total_wait_is_bounded() -> None:
    """No run of failures waits longer than the docstring says."""
    policy = RetryPolicy()
    waits = [policy.wait_s(n, 1.0, None) for n in range(1, policy.attempts)]

    assert sum(wait for wait in waits if wait is not None) <= 32.0
    assert policy.wait_s(policy.attempts, 0.0, None) is None


def test_where_nothing_listens_a_person_waits_for_seconds() -> None:
    """Four attempts, 3.5 s at most, when nothing on this machine has ever answered."""
    waits: list[float] = []
    retry = Retry(RetryPolicy(), sleep=waits.append, fraction=lambda: 1.0)
    with pytest.raises(RetryableError):
        retry.run(Failing(*(RetryableError("refused", is_absent=True) for _ in range(9))))
    assert waits == [0.5, 1.0, 2.0]


def test_a_server_that_goes_away_is_waited_for() -> None:
    """Once it has answered, a refused connection is a restart and has the whole budget."""
    waits: list[float] = []
    retry = Retry(RetryPolicy(), sleep=waits.append, fraction=lambda: 1.0)
    retry.run(Failing())

    assert retry.run(Failing(*(RetryableError("refused", is_absent=True) for _ in range(6)))) == "done"
    assert len(waits) == 6


def test_failures_that_pass_are_tried_again() -> None:
    """Two failures, two waits, then the result."""
    waits: list[float] = []

    assert patient(waits=waits).run(Failing(RetryableError("cut"), RetryableError("cut"))) == "done"
    assert waits == [0.5, 1.0]


def test_the_last_failure_is_raised() -> None:
    """After the last attempt the error itself comes out."""
    last = RetryableError("third")
    with pytest.raises(RetryableError) as caught:
        patient().run(Failing(RetryableError("first"), RetryableError("second"), last))
    assert caught.value is last


def test_integrity_errors_are_never_retried() -> None:
    """A wrong answer ends the call at once."""
    waits: list[float] = []
    with pytest.raises(IntegrityError):
        patient(waits=waits).run(Failing(IntegrityError()))
    assert waits == []


def test_the_listener_hears_what_is_waited_for() -> None:
    """Each wait is announced with its reason and its length."""
    heard: list[str] = []
    Retry(RetryPolicy(), on_wait=heard.append, sleep=lambda _s: None, fraction=lambda: 1.0).run(
        Failing(RetryableError("the server answered 503"))
    )

    assert heard == ["the server answered 503; trying again in 0.5 s"]
