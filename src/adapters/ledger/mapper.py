"""The eventsourcing library's view of our events: its mapper and transcoder over our codec.

Whatever of the library takes a `Mapper` reads and writes our stored form: short registered names
as topics, `class_version` as schema number, `upcast_v<n>_v<n+1>` steps on the event classes. The
library's recorders do no I/O for the service; they and its tools read the view `stored_events`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from adapters.ledger.canonical import Canonical
from adapters.ledger.codec import Codec
from domain.event import Event, Metadata


@dataclass(frozen=True, kw_only=True)
class LedgerEvent:
    """One of our events with the two attributes that the library asks of every event."""

    originator_id: UUID
    originator_version: int
    event: Event
    metadata: Metadata
    occurred_at: datetime


class CanonicalTranscoder(Transcoder):
    """Plain values to canonical JSON and back."""

    def __init__(self) -> None:
        self._canonical = Canonical()

    def encode(self, obj: Any) -> bytes:
        """Raises Unstorable for what RFC 8785 cannot write."""
        return self._canonical.encode(obj)

    def decode(self, data: bytes) -> Any:
        return msgspec.json.decode(data)


class LedgerMapper(Mapper[UUID]):
    """Between `LedgerEvent` and the rows of `stored_events`."""

    def __init__(self, codec: Codec) -> None:
        super().__init__(transcoder=CanonicalTranscoder())
        self._codec = codec

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The row. TypeError for an event that is not a `LedgerEvent`."""
        if not isinstance(domain_event, LedgerEvent):
            raise TypeError(f"{type(domain_event).__name__} is not a LedgerEvent")
        event = domain_event.event
        state = {
            "class_version": event.SCHEMA,
            "data": msgspec.Raw(self._codec.encode(event)),
            "metadata": msgspec.Raw(
                self._codec.encode_metadata(domain_event.metadata, domain_event.occurred_at)
            ),
        }
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.TYPE,
            state=self.transcoder.encode(state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> LedgerEvent:
        """The event in its newest shape. Keys of sealed values must have been learnt before."""
        state = msgspec.json.decode(stored_event.state, type=_State)
        metadata, occurred_at = self._codec.decode_metadata(bytes(state.metadata))
        return LedgerEvent(
            originator_id=UUID(str(stored_event.originator_id)),
            originator_version=stored_event.originator_version,
            event=self._codec.decode(stored_event.topic, state.class_version, bytes(state.data)),
            metadata=metadata,
            occurred_at=occurred_at,
        )


class _State(msgspec.Struct):
    class_version: int
    data: msgspec.Raw
    metadata: msgspec.Raw
