"""Whether a body comes from somebody who knows the secret. Source: `peers/zammad.md`, 5.1."""

import hmac
import re
from collections.abc import Sequence

_SIGNATURE = re.compile(r"sha1=([0-9a-fA-F]{40})")


def signature(secret: str, body: bytes) -> str:
    """The header `X-Hub-Signature` of a raw body: HMAC-SHA1, lower-case hex."""
    return f"sha1={hmac.digest(secret.encode(), body, 'sha1').hex()}"


def is_well_formed(header: str | None) -> bool:
    """Whether it is a signature at all; no other is worth the look at the body."""
    return header is not None and _SIGNATURE.fullmatch(header) is not None


def is_signed(header: str | None, body: bytes, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets made this signature of these bytes.

    How long it takes says neither how much of it is right nor which secret made it.
    """
    if header is None or not is_well_formed(header):
        return False
    given = header.lower().encode()
    matches = [hmac.compare_digest(given, signature(secret, body).encode()) for secret in secrets]
    return any(matches)
