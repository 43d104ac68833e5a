"""Where a request comes from: its address, its scheme, and whether a page of ours sent it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from fastapi import Request

from domain.errors import Misconfigured

HOUSEHOLD = 64  # bits of an IPv6 address that one sender has at least


class Proxies:
    """The machines whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Raises Misconfigured for what is neither an address nor a network."""
        try:
            self._networks = [ip_network(entry, strict=False) for entry in trusted]
        except ValueError as error:
            raise Misconfigured("settings", f"TRUSTED_PROXIES: {error}") from error

    def trusts(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def address(self, request: Request) -> str:
        """The sender's address: the socket's, or the last one that no trusted proxy added."""
        sender = request.client.host if request.client else "unknown"
        if not self.trusts(sender):
            return sender
        chain = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed([part.strip() for part in chain if part.strip()]):
            if not self.trusts(hop):
                return hop[:64]
        return sender

    def scheme(self, request: Request) -> str:
        """Http or https, as the person's browser saw it."""
        sender = request.client.host if request.client else ""
        forwarded = request.headers.get("x-forwarded-proto", "")
        if self.trusts(sender) and forwarded in ("http", "https"):
            return forwarded
        return request.url.scheme

    def own_origin(self, request: Request) -> str:
        """Scheme and host under which the request reached us."""
        return f"{self.scheme(request)}://{request.headers.get('host', '')}"


def sender_of(address: str) -> str:
    """Whose attempts count together: the address, or the network of one who has many."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed), HOUSEHOLD), strict=False))
    return address if parsed is None else str(parsed)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address is one too when a socket for both kinds shows it as `::ffff:192.0.2.1`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def from_own_page(request: Request, proxies: Proxies) -> bool:
    """Whether the browser says that one of our own pages sent this."""
    if request.headers.get("sec-fetch-site") == "same-origin":
        return True
    return request.headers.get("origin") == proxies.own_origin(request)


def from_foreign_page(request: Request, proxies: Proxies) -> bool:
    """Whether the browser says that somebody else's page sent this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and origin != proxies.own_origin(request)
