"""Account names and origins."""

from __future__ import annotations

import re

import pytest

from mega_cli.api.address import check_account, parse_address
from mega_cli.errors import UsageError


@pytest.mark.parametrize("name", ["a", "alice", "0day", "a.b_c-d", "a" * 63])
def test_account_names_are_taken(name: str) -> None:
    """Names that follow the rule pass unchanged."""
    assert check_account(name) == name


@pytest.mark.parametrize("name", ["", "Alice", "-a", ".a", "a" * 64, "a b", "a/b", "é", "a\n", "me"])
def test_other_account_names_are_refused(name: str) -> None:
    """Everything else is a usage error."""
    with pytest.raises(UsageError):
        check_account(name)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Cloud.Example.ORG", "https://cloud.example.org"),
        ("https://cloud.example.org:443/", "https://cloud.example.org"),
        ("http://cloud.example.org:80", "http://cloud.example.org"),
        ("http://127.0.0.1:8420", "http://127.0.0.1:8420"),
        ("HTTPS://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_origins_do_not_depend_on_spelling(url: str, origin: str) -> None:
    """Case, a default port and a final slash leave the origin as it is."""
    assert parse_address(url).origin == origin


@pytest.mark.parametrize(
    "url",
    ["cloud.example.org", "ftp://a", "https://", "https://a/b", "https://u@a", "https://a?b", "https://a#b", "https://é",
     "https://a:0", "https://a:99999", "https://a b"],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    """Whatever is no scheme, host and port is a usage error."""
    with pytest.raises(UsageError):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_recognised(url: str, is_loopback: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Only this machine's own addresses count as loopback."""
    assert parse_address(url).is_loopback is is_loopback


def test_profiles_differ_by_origin() -> None:
    """Two origins never share a folder, whatever their hosts, schemes and ports look like together."""
    hosts = ["a", "a_80", "a_443", "http", "localhost", "localhost_80", "127.0.0.1", "__1", "[::1]", "[a::1]", "a__1"]
    origins = {
        parse_address(f"{scheme}://{host}{port}")
        for scheme in ("http", "https")
        for host in hosts
        for port in ("", ":80", ":443", ":8443")
    }
    profiles = {address.profile("alice") for address in origins}

    assert len(profiles) == len(origins)
    assert all(re.fullmatch(r"[a-z0-9._@+-]+", profile) for profile in profiles)
