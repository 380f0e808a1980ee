"""Where a login without a name goes: to the account of before, by the way of before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mega_cli.account import known_place, logout, open_session
from mega_cli.model import Network
from mega_cli.state.session import save_session
from mega_cli.system.directories import Home
from tests.unit.account.conftest import URL, World

MOVED = "https://new.example.org"
KEPT = Network(insecure_http=True, ca_file="/etc/authority.pem", proxy="http://proxy.example.org:3128")


@pytest.fixture
def device(world: World) -> Home:
    """Give a device whose session goes by a way of its own."""
    own = world.device
    save_session(own.session_file, replace(open_session(own), server_url=MOVED, network=KEPT))
    return own


def test_a_new_login_goes_the_way_of_the_session(device: Home) -> None:
    """A session that has ended says `mega login`; that reaches what the session reached."""
    place = known_place(device, "", Network())
    assert (place.account, place.origin, place.server_url, place.network) == ("alice", URL, MOVED, KEPT)


def test_what_is_named_comes_first(device: Home) -> None:
    """An option of the login takes the place of what the session keeps; the consent to http was for that address."""
    place = known_place(device, "https://third.example.org", Network(ca_file="/etc/other.pem"))
    assert place.server_url == "https://third.example.org"
    assert place.network == replace(KEPT, insecure_http=False, ca_file="/etc/other.pem")


def test_a_signed_out_device_goes_to_the_origin(world: World) -> None:
    """Without a session there is no way to go by."""
    logout(world.device)
    place = known_place(world.device, "", Network())
    assert (place.server_url, place.network) == (URL, Network())
