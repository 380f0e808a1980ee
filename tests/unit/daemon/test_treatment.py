"""What becomes of a pair after each kind of error: the user must act, or it may pass."""

from __future__ import annotations

import pytest

from mega_cli import errors
from mega_cli.api.retry import RetryableError
from mega_cli.daemon.treatment import Treatment, Until, treatment_of, way_on
from mega_cli.errors import IntegrityError, MegaError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MegaError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_only_what_may_pass_keeps_a_pair_open(kind: type[MegaError]) -> None:
    """Whoever waits for the user, or for the folder, holds nothing; what is open is tried again by itself."""
    treatment = treatment_of(kind.__new__(kind))

    assert treatment.keeps_open <= (treatment.until in (Until.SOON, Until.WHILE))
    assert (treatment.state == "frozen") == (treatment.until in (Until.USER, Until.LOGIN, Until.LOOK))


def test_only_a_lie_waits_for_the_user() -> None:
    """Everything else may pass without anybody's word to us."""
    waiting = {kind.name for kind in KINDS if treatment_of(kind.__new__(kind)).until is Until.USER}

    assert waiting == {"integrity", "rollback_or_fork"}


def test_the_network_is_away() -> None:
    """That is no trouble of the pair."""
    assert treatment_of(RetryableError("away")) == Treatment("offline", Until.SOON, keeps_open=True)


def test_what_waits_for_the_user_says_for_which_word() -> None:
    """No hint of a frozen pair is a dead end; what passes by itself, and what names the pair, is left as it is."""
    lie = treatment_of(IntegrityError())

    assert way_on(lie, "nothing was changed", "4f1c") == "nothing was changed; to try again: mega syncs resume 4f1c"
    assert way_on(lie, "", "4f1c") == "to try again: mega syncs resume 4f1c"
    assert way_on(lie, "mega syncs rm 4f1c", "4f1c") == "mega syncs rm 4f1c"
    assert way_on(treatment_of(RetryableError("away")), "wait", "4f1c") == "wait"
