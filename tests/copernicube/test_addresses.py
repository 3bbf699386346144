"""The advertised address behind proxies."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from copernicube.addresses import Addresses
from copernicube.app import build
from copernicube.config import Settings
from datacube.errors import InvalidParameterError


def sent_by(peer: str, headers: dict[str, str]) -> Request:
    """Return a request of `peer` with these headers."""
    sent = {"host": "inside:8080"} | headers
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/ows",
        "query_string": b"service=WMS",
        "client": (peer, 50000),
        "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
    }
    return Request(scope)


def root(
    headers: dict[str, str],
    *,
    peer: str = "127.0.0.1",
    public: str = "",
    trusted: str = "127.0.0.1",
) -> str:
    """Return the address told to a request of `peer` with these headers."""
    return Addresses.read(public, trusted).root_of(sent_by(peer, headers))


BEHIND = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "maps.example",
    "X-Forwarded-Prefix": "/cube/",
}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "http://inside:8080"),
        (BEHIND, "https://maps.example/cube"),
        (BEHIND | {"X-Forwarded-Port": "8443"}, "https://maps.example:8443/cube"),
        (BEHIND | {"X-Forwarded-Port": "443"}, "https://maps.example/cube"),
        ({"X-Forwarded-Host": "spoofed.example, maps.example"}, "http://maps.example"),
        ({"Forwarded": 'for=1.2.3.4;proto=https;host="a.example:444"'}, "https://a.example:444"),
        ({"Forwarded": "host=spoofed.example, HOST=b.example"}, "http://b.example"),
        (BEHIND | {"Forwarded": "host=c.example"}, "https://c.example/cube"),
        ({"X-Forwarded-Host": 'x"><script>'}, "http://inside:8080"),
        ({"X-Forwarded-Proto": "javascript"}, "http://inside:8080"),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://inside:8080"),
    ],
)
def test_trusted_proxy(headers: dict[str, str], expected: str) -> None:
    """A trusted peer's headers make the address, as far as they are addresses."""
    assert root(headers) == expected


def test_other_peers_and_public_url() -> None:
    """Other peers are not believed; the configured address wins; networks are read."""
    assert root(BEHIND, peer="192.0.2.7") == "http://inside:8080"
    assert root(BEHIND, trusted="") == "http://inside:8080"
    assert root(BEHIND, public="https://p.example/x/") == "https://p.example/x"
    assert root(BEHIND, peer="10.1.2.3", trusted="::1, 10.0.0.0/8") == "https://maps.example/cube"
    assert root(BEHIND, peer="192.0.2.7", trusted="*") == "https://maps.example/cube"


FOR = "X-Forwarded-For"


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({}, "127.0.0.1"),
        ({FOR: "192.0.2.1"}, "192.0.2.1"),
        ({FOR: "192.0.2.1:4711"}, "192.0.2.1"),
        ({FOR: "spoofed, 192.0.2.1"}, "192.0.2.1"),
        ({FOR: "spoofed, 192.0.2.1, 10.0.0.9, 10.0.0.8"}, "192.0.2.1"),
        ({FOR: "10.0.0.7, 10.0.0.8"}, "10.0.0.8"),
        ({FOR: ""}, "127.0.0.1"),
        ({FOR: " , "}, "127.0.0.1"),
        ({FOR: "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        ({FOR: "::ffff:192.0.2.1"}, "192.0.2.1"),
        ({"Forwarded": "for=192.0.2.1"}, "192.0.2.1"),
        ({"Forwarded": 'For="192.0.2.1:4711";proto=https'}, "192.0.2.1"),
        ({"Forwarded": 'for="[2001:db8:1:2:3::6]:4711"'}, "2001:db8:1:2::/64"),
        ({"Forwarded": "for=_hidden, for=10.0.0.9;by=10.0.0.8"}, "_hidden"),
        ({"Forwarded": "for=spoofed, for=192.0.2.1", FOR: "192.0.2.2"}, "192.0.2.1"),
        ({"Forwarded": "host=maps.example"}, "127.0.0.1"),
    ],
)
def test_whom_a_trusted_proxy_names(headers: dict[str, str], client: str) -> None:
    """Clients are told apart by the last entry that is no proxy; theirs may come before it."""
    addresses = Addresses.read("https://p.example", "127.0.0.1, 10.0.0.0/8")
    assert addresses.client_of(sent_by("127.0.0.1", headers)) == client


def test_others_are_who_they_are() -> None:
    """Who is not trusted names nobody, and who trusts everybody gets the peer's own word."""
    named = {FOR: "192.0.2.1, 192.0.2.2", "Forwarded": "for=192.0.2.3"}
    for trusted in ("", "127.0.0.1"):
        addresses = Addresses.read("", trusted)
        assert addresses.client_of(sent_by("192.0.2.7", named)) == "192.0.2.7"
        assert addresses.client_of(sent_by("2001:db8::7", named)) == "2001:db8::/64"
        assert addresses.client_of(sent_by("", named)) == ""
    everybody = Addresses.read("", "*")
    assert everybody.client_of(sent_by("192.0.2.7", {FOR: "192.0.2.1, 192.0.2.2"})) == "192.0.2.2"


def test_setting_that_is_no_network() -> None:
    """The message names the setting."""
    with pytest.raises(InvalidParameterError, match="COPERNICUBE_TRUSTED_PROXIES"):
        Addresses.read("", "proxy.example")


@pytest.mark.parametrize(
    "path",
    [
        "/ows?service=WMS&request=GetCapabilities",
        "/ows?service=WCS&version=2.0.1&request=GetCapabilities",
        "/wmts/1.0.0/WMTSCapabilities.xml",
        "/ogcapi/",
    ],
)
def test_documents_follow(path: str, tmp_path: Path) -> None:
    """Every address of a service's first document is the proxy's."""
    client = TestClient(build(Settings(store=str(tmp_path))), client=("127.0.0.1", 50000))
    answer = client.get(path, headers=BEHIND)
    assert answer.status_code == 200
    assert "https://maps.example/cube" in answer.text
    assert "testserver" not in answer.text
