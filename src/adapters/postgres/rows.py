"""Rows of the ledger to `Recorded` events."""

import gc
from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.ledger.codec import Codec
from domain.errors import LedgerDamaged
from domain.event import Event, Recorded

_NEW = object.__new__
_SET = object.__setattr__
_UNKNOWN: tuple[int, Any] = (0, None)  # no schema is 0


def recorded(codec: Codec, rows: Iterable[Any]) -> list[Recorded[Event]]:
    """The events of rows as `event_store.py` selects them.

    `occurred_at` is not fetched: the metadata has it, and verify holds the column against it.

    Raises:
        LedgerDamaged: a row cannot be read; `verify` tells more.
        Unstorable: a row of a newer version of this program.
    """
    # Nothing made here refers back to itself, but the collector would look at all of it again and
    # again: half the time of a replay.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _recorded(codec, rows)
    finally:
        if collecting:
            gc.enable()


def _recorded(codec: Codec, rows: Iterable[Any]) -> list[Recorded[Event]]:
    events: list[Recorded[Event]] = []
    present = codec.present
    known = ""  # events of one command share their metadata
    position = 0
    try:
        for position, stream, version, type_, schema, recorded_at, data, meta, digest in rows:
            if meta != known:
                metadata, occurred_at = codec.decode_metadata(meta)
                known = meta
            if stream is None:
                raise LedgerDamaged(position, "its stream has no name")
            schema_now, decode = present.get(type_, _UNKNOWN)
            event: Recorded[Event] = _NEW(Recorded)
            # As in the codec: a replay has no time for a frozen dataclass's own __init__.
            _SET(
                event,
                "__dict__",
                {
                    "position": position,
                    "stream": stream,
                    "version": version,
                    "event": decode(data)
                    if schema == schema_now
                    else codec.decode(type_, schema, data),
                    "metadata": metadata,
                    "occurred_at": occurred_at,
                    "recorded_at": recorded_at,
                    "digest": digest.hex(),
                },
            )
            events.append(event)
    except msgspec.MsgspecError as error:
        raise LedgerDamaged(position, str(error)) from error
    return events
