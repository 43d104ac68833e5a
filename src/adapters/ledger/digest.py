"""The digest chain (`contract.md`, section 10): formulas that a stranger can check."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

ZERO = bytes(32)  # what stands before position 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def content_hash(*, data: bytes, meta: bytes, schema: int, stream: bytes, type_: bytes) -> bytes:
    """SHA-256 of the canonical JSON of `{stream, type, schema, data, metadata}`.

    All but `schema` are canonical JSON texts already, so joining them in the order of their
    names is canonical again.
    """
    return hashlib.sha256(
        b'{"data":%b,"metadata":%b,"schema":%d,"stream":%b,"type":%b}'
        % (data, meta, schema, stream, type_)
    ).digest()


def chained(
    previous: bytes, *, position: int, version: int, recorded_at: datetime, content: bytes
) -> bytes:
    """The digest of the event at `position`, given the digest of the one before."""
    return hashlib.sha256(
        previous + _int8(position) + _int8(version) + _int8(microseconds(recorded_at)) + content
    ).digest()


def event_id(stream_id: uuid.UUID, version: int) -> uuid.UUID:
    """The event's id: the same whoever computes it.

    A name-based UUID of version 8 as in RFC 9562, B.2: the first 16 bytes of SHA-256. Not
    version 5, because PostgreSQL has no SHA-1 without an extension, and the version is known
    only there.
    """
    raw = bytearray(hashlib.sha256(stream_id.bytes + _int8(version)).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(raw))


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def _int8(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)
