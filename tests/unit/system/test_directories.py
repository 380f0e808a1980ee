"""Where everything lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import NotInitialisedError, UsageError
from mega_cli.state.private_files import make_private_folder
from mega_cli.system.directories import Home, find_directories, open_home


def test_mega_home_moves_everything(tmp_path: Path) -> None:
    """Every place lies under the folder that the variable names, and none is made by asking."""
    places = find_directories({"MEGA_HOME": str(tmp_path / "x")})

    for place in (places.config_file, places.data, places.cache, places.log_file, places.runtime, places.accounts):
        assert place.is_relative_to(tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_without_mega_home_the_system_decides() -> None:
    """Settings, state, cache and log have folders of their own."""
    places = find_directories({})

    assert len({places.config, places.data / "accounts", places.cache, places.logs}) == 4
    assert places.config_file.name == "config.toml"
    assert places.log_file.name == "mega.log"


def test_trust_is_no_cache(tmp_path: Path) -> None:
    """Whoever clears the cache keeps the pins."""
    home = open_home({"MEGA_HOME": str(tmp_path)}).with_profile("alice@host")

    assert not home.trust_file.is_relative_to(home.directories.cache)
    assert home.pages_file.is_relative_to(home.directories.cache)


def test_a_device_without_account_says_what_to_do(tmp_path: Path) -> None:
    """No profile: not initialised, with the two ways out."""
    with pytest.raises(NotInitialisedError) as caught:
        _ = open_home({"MEGA_HOME": str(tmp_path)}).session_file
    assert "signup" in caught.value.hint
    assert "login" in caught.value.hint


def test_the_current_profile_is_remembered(tmp_path: Path) -> None:
    """The pointer names the profile that was used last."""
    environ = {"MEGA_HOME": str(tmp_path)}
    for profile in ("alice@host", "bob@host"):
        own = open_home(environ).with_profile(profile)
        make_private_folder(own.folder)
        own.make_current()

    assert open_home(environ).profile == "bob@host"
    assert sorted(path.name for path in (tmp_path / "accounts").iterdir()) == ["alice@host", "bob@host", "current"]


def test_a_pointer_of_any_bytes_is_no_crash(tmp_path: Path) -> None:
    """A damaged pointer names a profile that is not there."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "current").write_bytes(b"\xff\xfe\x80")

    assert not open_home({"MEGA_HOME": str(tmp_path)}).session_file.exists()


@pytest.mark.parametrize("pointer", ["../../etc", "/etc", "a/b", "..", "", "a\0b"])
def test_a_pointer_never_leaves_its_folder(tmp_path: Path, pointer: str) -> None:
    """A pointer that is a path counts as none."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "current").write_text(pointer + "\n")

    assert open_home({"MEGA_HOME": str(tmp_path)}) == Home(find_directories({"MEGA_HOME": str(tmp_path)}))


@pytest.fixture
def two(tmp_path: Path) -> dict[str, str]:
    """Make three profiles of two account names."""
    environ = {"MEGA_HOME": str(tmp_path)}
    for profile in ("alice@one", "bob@one", "bob@two"):
        make_private_folder(open_home(environ).with_profile(profile).folder)
    return environ


@pytest.mark.parametrize(("name", "profile"), [("alice", "alice@one"), ("bob@two", "bob@two")])
def test_a_profile_is_named_in_full_or_by_its_account(two: dict[str, str], name: str, profile: str) -> None:
    """Where the account is enough, it is enough."""
    assert open_home(two | {"MEGA_PROFILE": name}).profile == profile


def test_a_name_that_fits_several_profiles_is_refused(two: dict[str, str]) -> None:
    """The hint names them."""
    with pytest.raises(UsageError) as caught:
        open_home(two | {"MEGA_PROFILE": "bob"})
    assert "bob@one, bob@two" in caught.value.hint


@pytest.mark.parametrize("name", ["nobody", "../accounts/alice@one", "alice@one/", "."])
def test_a_profile_that_is_not_here_is_never_a_path(two: dict[str, str], name: str) -> None:
    """It has no folder, but a login may still make another one."""
    home = open_home(two | {"MEGA_PROFILE": name})
    with pytest.raises(NotInitialisedError, match="no profile"):
        _ = home.folder
    assert home.with_profile("carol@one").folder.name == "carol@one"
