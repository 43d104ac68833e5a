"""Opaque places in a list, which nobody but us can read or make."""

import base64
import hashlib
import hmac
import json
from typing import Any

from api.problems import Problem

MAC_BYTES = 12


def encoded(kind: str, place: object, secret: str) -> str:
    """`place` as a cursor of lists of this `kind`."""
    payload = json.dumps([kind, place], separators=(",", ":"), default=str).encode()
    return base64.urlsafe_b64encode(_mac(payload, secret) + payload).decode().rstrip("=")


def decoded(kind: str, cursor: str, secret: str) -> Any:
    """What `encoded` was given. Raises Problem `cursor_invalid` for anything else."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mac, payload = raw[:MAC_BYTES], raw[MAC_BYTES:]
        known, place = (
            json.loads(payload) if hmac.compare_digest(mac, _mac(payload, secret)) else ("", None)
        )
    except (ValueError, TypeError) as error:
        raise _foreign() from error
    if known != kind:
        raise _foreign()
    return place


def _mac(payload: bytes, secret: str) -> bytes:
    key = b"timeledger cursor\0" + secret.encode()
    return hmac.new(key, payload, hashlib.sha256).digest()[:MAC_BYTES]


def _foreign() -> Problem:
    return Problem("cursor_invalid", "This cursor is not one of this list.")
