"""The one spelling of a peer's address, and which addresses are safe to send a token to."""

from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from domain.errors import RuleViolation

DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(base_url: str, *, allow_insecure: bool = False) -> str:
    """`base_url` with scheme and host in lower case and exactly one slash at its end.

    Raises:
        RuleViolation: `validation` when it is no plain http address; `insecure_url` when it is
            http to another machine and that is not allowed.
    """
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RuleViolation("validation", "base_url is not an address.") from error
    if parts.scheme.lower() not in DEFAULT_PORTS or not host:
        raise RuleViolation("validation", "base_url must start with https:// or http://.")
    if parts.username is not None or parts.query or parts.fragment or "@" in parts.netloc:
        raise RuleViolation("validation", "base_url must not hold user info, query or fragment.")
    scheme = parts.scheme.lower()
    if scheme == "http" and not (allow_insecure or is_loopback(host)):
        raise RuleViolation("insecure_url", "base_url must be https for another machine.")
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port in (None, DEFAULT_PORTS[scheme]) else f"{bracketed}:{port}"
    return urlunsplit((scheme, netloc, parts.path.rstrip("/") + "/", "", ""))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its spelling alone (nothing is looked up)."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
