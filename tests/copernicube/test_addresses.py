"""The advertised address behind proxies."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from copernicube.addresses import Addresses
from copernicube.app import build
from copernicube.config import Settings
from datacube.errors import InvalidParameterError


def root(
    headers: dict[str, str],
    *,
    peer: str = "127.0.0.1",
    public: str = "",
    trusted: str = "127.0.0.1",
) -> str:
    """Return the address told to a request of `peer` with these headers."""
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
    return Addresses.read(public, trusted).root_of(Request(scope))


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
