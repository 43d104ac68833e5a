"""What is read of a webhook delivery: the ids in its body, and two of its headers, bounded."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from api.problems import Problem

BIGGEST_ID = 2**31 - 1  # Zammad's ids are 32-bit
LONGEST_TRIGGER = 200  # characters of a trigger's name that are kept
_NAME = re.compile(r"[!-~]{1,128}")  # a delivery id as Zammad makes them, and many others


@dataclass(frozen=True)
class Ids:
    """Which ticket, and which of its articles, if any."""

    ticket_id: int
    article_id: int | None


class _Ticket(msgspec.Struct):
    id: int


class _Article(msgspec.Struct):
    id: int | None = None


class _Payload(msgspec.Struct):
    ticket: _Ticket
    article: _Article | None = None


_QUICK = msgspec.json.Decoder(_Payload)
_PATIENT = msgspec.json.Decoder(Any)


def ids_of(body: bytes) -> Ids:
    """The ids in the default payload, or in any that has `ticket.id`.

    Raises Problem `malformed_json`, or `bad_payload` without an integer `ticket.id`.
    """
    try:
        payload = _QUICK.decode(body)
    except msgspec.ValidationError:
        return _looked_for(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed_json", "The body is not JSON.") from error
    ticket_id = _an_id(payload.ticket.id)
    if ticket_id is None:
        raise _without_ticket()
    return Ids(ticket_id, _an_id(payload.article.id) if payload.article else None)


def _looked_for(body: bytes) -> Ids:
    """The same, whatever else the body holds."""
    try:
        whole = _PATIENT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed_json", "The body is not JSON.") from error
    ticket_id = _an_id(_in(_in(whole, "ticket"), "id"))
    if ticket_id is None:
        raise _without_ticket()
    return Ids(ticket_id, _an_id(_in(_in(whole, "article"), "id")))


def _in(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _an_id(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= BIGGEST_ID else None


def _without_ticket() -> Problem:
    return Problem("bad_payload", "The body has no integer ticket.id.")


def digest_of(body: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(body).hexdigest()


def delivery_id_of(header: str | None, body: bytes) -> str:
    """The header `X-Zammad-Delivery`; without it the digest of the body.

    One that is longer than 128 characters, or has others than printable ASCII, goes by its digest.
    """
    if header is None or not header.strip():
        return digest_of(body)
    name = header.strip()
    return name if _NAME.fullmatch(name) else digest_of(name.encode("latin-1", "replace"))


def trigger_of(header: str | None) -> str | None:
    """The header `X-Zammad-Trigger`, which is UTF-8 although headers are not."""
    if not header:
        return None
    text = header.encode("latin-1", "replace").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:LONGEST_TRIGGER]
