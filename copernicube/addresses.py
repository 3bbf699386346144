"""The server's own address as clients reach it, behind proxies too."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self

from starlette.requests import Request

from datacube.errors import InvalidParameterError

HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
PAIR = re.compile(r'\s*([A-Za-z-]+)=(?:"([^"\\]*)"|([^\s";,]*))\s*')
DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """How the address of a request is found."""

    public_url: str = ""
    """The address of every request where it is set."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Peers whose forwarding headers are believed."""

    @classmethod
    def read(cls, public_url: str, trusted_proxies: str) -> Self:
        """Read settings: addresses and networks parted by commas, `*` for every peer.

        Raises
        ------
        InvalidParameterError
            If one is neither an address nor a network.
        """
        words = [word.strip() for word in trusted_proxies.split(",") if word.strip()]
        if "*" in words:
            words = ["0.0.0.0/0", "::/0"]
        try:
            networks = tuple(ip_network(word) for word in words)
        except ValueError as error:
            raise InvalidParameterError(
                f"COPERNICUBE_TRUSTED_PROXIES={trusted_proxies!r}: {error}; allowed are IP"
                " addresses and networks such as 10.0.0.0/8, parted by commas, or *",
                parameter="COPERNICUBE_TRUSTED_PROXIES",
            ) from error
        return cls(public_url=public_url.rstrip("/"), networks=networks)

    def root_of(self, request: Request) -> str:
        """Return the server's address as the sender of a request reaches it, no slash at its end.

        `Forwarded` (RFC 7239) wins over `X-Forwarded-*`. Of a list only the last entry
        counts, which the trusted peer itself wrote; what is not a scheme, host or path
        is passed over.
        """
        if self.public_url:
            return self.public_url
        # Inside a mount the base URL ends in the mount's path.
        scheme, host, prefix = request.url.scheme, request.url.netloc, ""
        if self._trusts(request):
            told = _told(request)
            proto = told.get("proto", "").lower()
            scheme = proto if proto in DEFAULT_PORTS else scheme
            if HOST.fullmatch(told.get("host", "")):
                host = told["host"]
            host = _with_port(host, told.get("port", ""), scheme)
            path = told.get("prefix", "").rstrip("/")
            prefix = path if PREFIX.fullmatch(path) else ""
        return f"{scheme}://{host}{prefix}"

    def client_of(self, request: Request) -> str:
        """Return whom a request comes from: the peer, or whom a trusted peer names.

        `Forwarded` wins over `X-Forwarded-For`. The last entry counts that is no trusted
        proxy itself, since clients may send entries of their own. A client of IPv6 is its
        network of 64 bits, of which it has every address.
        """
        peer = request.client.host if request.client else ""
        if not self._trusts(request):
            return _network(peer)
        told = [name for entry in _entries(request) for name in [_bare(entry)] if name]
        others = (name for name in reversed(told) if not self._holds(name))
        return _network(next(others, told[-1] if told else peer))

    def _trusts(self, request: Request) -> bool:
        return self._holds(request.client.host if request.client else "")

    def _holds(self, name: str) -> bool:
        try:
            address = ip_address(name)
        except ValueError:
            return False  # a socket file or a test's client has no IP address
        return any(address in network for network in self.networks)


def _told(request: Request) -> dict[str, str]:
    """Return what the nearest proxy says, by `proto`, `host`, `port` and `prefix`."""
    told = {
        name: ",".join(request.headers.getlist(f"x-forwarded-{name}")).rsplit(",", 1)[-1].strip()
        for name in ("proto", "host", "port", "prefix")
    }
    standard = ",".join(request.headers.getlist("forwarded")).rsplit(",", 1)[-1]
    for part in standard.split(";"):
        if (pair := PAIR.fullmatch(part)) and pair[1].lower() in ("proto", "host"):
            told[pair[1].lower()] = pair[2] or pair[3] or ""
            told["port"] = ""
    return told


def _entries(request: Request) -> list[str]:
    """Return whom the proxies name as clients, the first one first."""
    standard = request.headers.getlist("forwarded")
    if not standard:
        return ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    pairs = (PAIR.fullmatch(part) for part in ",".join(standard).replace(",", ";").split(";"))
    return [pair[2] or pair[3] or "" for pair in pairs if pair and pair[1].lower() == "for"]


def _bare(entry: str) -> str:
    """Return a node (RFC 7239, 6) without its port."""
    text = entry.strip()
    match = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\w+)?|([^:]+)(?::\w+)?", text)
    return text if match is None else match[1] or match[2]


def _network(name: str) -> str:
    try:
        address = ip_address(name)
    except ValueError:
        return name
    if isinstance(address, IPv4Address):
        return name
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network(f"{address}/64", strict=False))


def _with_port(host: str, port: str, scheme: str) -> str:
    if not re.fullmatch(r"\d{1,5}", port):
        return host
    bare = re.sub(r":\d+$", "", host)
    return bare if port == DEFAULT_PORTS[scheme] else f"{bare}:{port}"
