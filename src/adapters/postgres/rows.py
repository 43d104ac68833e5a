"""Rows of the ledger to `Recorded` events."""

from collections.abc import Iterable
from typing import Any

from adapters.ledger.codec import Codec
from domain.event import Event, Recorded


def recorded(codec: Codec, rows: Iterable[Any]) -> list[Recorded[Event]]:
    """The events of rows as `event_store.py` selects them.

    `occurred_at` is not fetched: the metadata has it, and verify holds the column against it.
    """
    events = []
    for position, stream, version, type_, schema, recorded_at, data, meta, digest in rows:
        metadata, occurred_at = codec.decode_metadata(meta)
        events.append(
            Recorded(
                position=position,
                stream=stream,
                version=version,
                event=codec.decode(type_, schema, data),
                metadata=metadata,
                occurred_at=occurred_at,
                recorded_at=recorded_at,
                digest=digest.hex(),
            )
        )
    return events
