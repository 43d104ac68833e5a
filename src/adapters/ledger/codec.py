"""Events and metadata to canonical text and back, straight into the domain's frozen dataclasses."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect as types

from adapters.ledger.canonical import Canonical, without_lone_surrogates
from adapters.ledger.digest import content_hash
from adapters.ledger.sealing import Keyring, Sealed
from domain.errors import Unstorable
from domain.event import Actor, Append, Event, Metadata
from domain.ids import DELIVERY_KIND, is_delivery, stream_uuid
from domain.personal import Personal

STREAMS = 10_000  # names kept in stored form: a stream is read, appended to and read again
ACTORS = 1_000  # parts of the program, kept decoded; people are sealed and never kept
_NAMES = Canonical()
_NEW = object.__new__
_SET = object.__setattr__


class StoredActor(msgspec.Struct):
    kind: str
    name: str | Sealed


class StoredMetadata(msgspec.Struct, omit_defaults=True):
    """`Metadata` as it is stored, with the instant of the event so that the digest covers it.

    `actor` is a `StoredActor`, whose text is read apart: few actors do most of the work.
    """

    actor: msgspec.Raw
    correlation_id: str
    occurred_at: datetime
    causation_position: int | None = None
    ip_address: Sealed | None = None
    request_id: str | None = None
    run_id: int | None = None
    user_agent: Sealed | None = None


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream's name in stored form, and what is made of it: `canonical` is its JSON text."""

    name: str
    id: uuid.UUID
    id_text: str
    kind: str
    canonical: bytes


@dataclass(slots=True)
class StoredEvent:
    """One event in stored form, all of it but what only the ledger's head can say."""

    type: str
    schema: int
    occurred_at: datetime
    data: str
    meta: str
    content: bytes


@dataclass(slots=True)
class Prepared:
    """A command whose events are in stored form already: hashed before any lock."""

    command: Append
    stream: StreamName
    events: list[StoredEvent]


class Codec:
    """Between the domain's values and their stored form, for one catalogue of event types."""

    def __init__(self, catalogue: Sequence[type[Event]], keyring: Keyring) -> None:
        """Raises TypeError for an event type that cannot be stored without loss."""
        self.keyring = keyring
        self.classes: Mapping[str, type[Event]] = _by_name(catalogue)
        self._canonical = Canonical(self._seal)
        self._names = {name: self._canonical.encode(name) for name in self.classes}
        self._decoders = {
            name: msgspec.json.Decoder(cls, dec_hook=self._unseal)
            for name, cls in self.classes.items()
        }
        # For whoever decodes a million events: type to the present schema and its decoding.
        self.present: Mapping[str, tuple[int, Callable[[str | bytes], Event]]] = {
            name: (cls.SCHEMA, self._decoders[name].decode) for name, cls in self.classes.items()
        }
        self._metadata = msgspec.json.Decoder(StoredMetadata)
        self._stored_actor = msgspec.json.Decoder(StoredActor)
        self._actors: dict[bytes, Actor] = {}
        self._actor_texts: dict[tuple[str, str], msgspec.Raw] = {}

    def prepare(self, command: Append) -> Prepared:
        """The command in stored form.

        Raises:
            KeyMissingError: a subject's key has to be learnt first.
            Unstorable: an event's type is not in the catalogue, or a value not what it says.
        """
        if not command.events:
            raise Unstorable(f"nothing to append to {command.stream}")
        named = (*command.claims, *command.releases)
        if command.key is not None or named:
            _refuse_nul(command.key or "", *named)
        stream = stream_name(command.stream)
        occurred_at = command.occurred_at
        meta = self.encode_metadata(command.metadata, occurred_at)
        return Prepared(
            command=command,
            stream=stream,
            events=[
                self._stored(event, meta, stream.canonical, occurred_at) for event in command.events
            ],
        )

    def _stored(
        self, event: Event, meta: bytes, stream: bytes, occurred_at: datetime
    ) -> StoredEvent:
        data = self.encode(event)
        return StoredEvent(
            type=event.TYPE,
            schema=event.SCHEMA,
            occurred_at=occurred_at,
            data=data.decode(),
            meta=meta.decode(),
            content=content_hash(
                data=data,
                meta=meta,
                schema=event.SCHEMA,
                stream=stream,
                type_=self._names[event.TYPE],
            ),
        )

    def encode(self, event: Event) -> bytes:
        """The event's data; read back at once, because nothing unreadable may become a fact."""
        if self.classes.get(event.TYPE) is not type(event):
            raise Unstorable(f"{type(event).__name__} is not in the catalogue")
        data = self._canonical.encode(event)
        try:
            self._decoders[event.TYPE].decode(data)
        except msgspec.ValidationError as error:
            raise Unstorable(f"{event.TYPE}: {error}") from error
        return data

    def decode(self, type_: str, schema: int, data: str | bytes) -> Event:
        """The event, brought to its newest shape by its `upcast_v<n>_v<n+1>` functions.

        Raises:
            Unstorable: a type or schema that this version of the program does not know.
        """
        cls = self.classes.get(type_)
        if cls is None or schema > cls.SCHEMA:
            raise Unstorable(f"{type_} of schema {schema} is newer than this program")
        if schema == cls.SCHEMA:
            event: Event = self._decoders[type_].decode(data)
            return event
        return self.upcast(cls, schema, msgspec.json.decode(data))

    def upcast(self, cls: type[Event], schema: int, state: dict[str, Any]) -> Event:
        """The event of an older shape; the naming of the steps is the eventsourcing library's."""
        for step in range(schema, cls.SCHEMA):
            getattr(cls, f"upcast_v{step}_v{step + 1}")(state)
        event: Event = msgspec.convert(state, cls, dec_hook=self._unseal)
        return event

    def encode_metadata(self, metadata: Metadata, occurred_at: datetime) -> bytes:
        """The metadata's text; `occurred_at` must be aware."""
        if occurred_at.utcoffset() is None:
            raise Unstorable("occurred_at has no time zone")
        return self._canonical.encode(
            StoredMetadata(
                actor=self._stored_actor_of(metadata.actor),
                correlation_id=metadata.correlation_id,
                occurred_at=occurred_at,
                causation_position=metadata.causation_position,
                ip_address=self._sealed(metadata.ip_address),
                request_id=metadata.request_id,
                run_id=metadata.run_id,
                user_agent=self._sealed(metadata.user_agent),
            )
        )

    def _stored_actor_of(self, actor: Actor) -> msgspec.Raw:
        """People are sealed anew each time; parts of the program are few and always the same."""
        if isinstance(actor.name, Personal):
            sealed = StoredActor(kind=actor.kind, name=self.keyring.seal(actor.name))
            return msgspec.Raw(self._canonical.encode(sealed))
        known = self._actor_texts.get((actor.kind, actor.name))
        if known is None:
            plain = StoredActor(kind=actor.kind, name=actor.name)
            known = msgspec.Raw(self._canonical.encode(plain))
            if len(self._actor_texts) < ACTORS:
                self._actor_texts[actor.kind, actor.name] = known
        return known

    def decode_metadata(self, text: str | bytes) -> tuple[Metadata, datetime]:
        """The metadata and the instant at which the event occurred."""
        stored = self._metadata.decode(text)
        metadata = _NEW(Metadata)
        # As msgspec does for the events: a frozen dataclass's own __init__ takes thrice as long,
        # and a replay does this a million times.
        _SET(
            metadata,
            "__dict__",
            {
                "actor": self._actor(stored.actor),
                "correlation_id": stored.correlation_id,
                "request_id": stored.request_id,
                "causation_position": stored.causation_position,
                "run_id": stored.run_id,
                "ip_address": self._opened(stored.ip_address),
                "user_agent": self._opened(stored.user_agent),
            },
        )
        return metadata, stored.occurred_at

    def _actor(self, text: msgspec.Raw) -> Actor:
        raw = bytes(text)
        if actor := self._actors.get(raw):
            return actor
        stored = self._stored_actor.decode(raw)
        if isinstance(stored.name, Sealed):
            name = self.keyring.personal(stored.name.key, stored.name.sealed)
            return Actor(kind=stored.kind, name=name)
        actor = Actor(kind=stored.kind, name=stored.name)
        if len(self._actors) < ACTORS:
            self._actors[raw] = actor
        return actor

    def content(self, *, stream: str, type_: str, schema: int, data: str, meta: str) -> bytes:
        """The content hash of a stored event, known type or not."""
        return content_hash(
            data=data.encode(),
            meta=meta.encode(),
            schema=schema,
            stream=self._canonical.encode(stream),
            type_=self._canonical.encode(type_),
        )

    def _sealed(self, value: Personal | None) -> Sealed | None:
        return None if value is None else self.keyring.seal(value)

    def _opened(self, stored: Sealed | None) -> Personal | None:
        return None if stored is None else self.keyring.personal(stored.key, stored.sealed)

    def _seal(self, value: object) -> Sealed:
        if isinstance(value, Personal):
            return self.keyring.seal(value)
        raise TypeError(f"{type(value).__name__} cannot be stored")

    def _unseal(self, cls: type, value: dict[str, str]) -> object:
        if cls is not Personal:
            raise TypeError(f"{cls.__name__} cannot be stored")
        return self.keyring.personal(value["key"], value["sealed"])


@lru_cache(maxsize=STREAMS)
def stream_name(stream: str) -> StreamName:
    """The name in stored form. Raises Unstorable for one with a NUL character."""
    _refuse_nul(stream)
    name = without_lone_surrogates(stream)
    stream_id = stream_uuid(name)
    return StreamName(name, stream_id, str(stream_id), kind_of(name), _NAMES.encode(name))


def _refuse_nul(*names: str) -> None:
    if "\0" in "".join(names):
        raise Unstorable(f"a NUL character in the names of {names!r}")


def kind_of(stream: str) -> str:
    """`time-entry` for `time-entry-4711`, `login` for `login`."""
    if is_delivery(stream):
        return DELIVERY_KIND
    kind, dash, number = stream.rpartition("-")
    return kind if dash and number.isdecimal() else stream


def _by_name(catalogue: Sequence[type[Event]]) -> dict[str, type[Event]]:
    classes: dict[str, type[Event]] = {}
    for cls in catalogue:
        if not cls.TYPE.isidentifier():
            raise TypeError(f"{cls.TYPE!r} is no name for an event type")
        if cls.TYPE in classes:
            raise TypeError(f"two event types are called {cls.TYPE}")
        for step in range(1, cls.SCHEMA):
            if not hasattr(cls, f"upcast_v{step}_v{step + 1}"):
                raise TypeError(f"{cls.TYPE} lacks upcast_v{step}_v{step + 1}")
        _refuse_lossy(cls.TYPE, types.type_info(cls))
        classes[cls.TYPE] = cls
    return classes


def _refuse_lossy(where: str, info: Any) -> None:
    """Walk a type as msgspec sees it; what could carry a float or anything at all is refused."""
    if isinstance(info, types.FloatType | types.AnyType):
        raise TypeError(f"{where} may hold a float or anything: not storable without loss")
    if isinstance(info, types.CustomType) and info.cls is not Personal:
        raise TypeError(f"{where} holds {info.cls.__name__}: not storable")
    for part in _parts(info):
        _refuse_lossy(where, part)


def _parts(info: Any) -> Sequence[Any]:
    match info:
        case types.DataclassType(fields=fields):
            return [field.type for field in fields]
        case types.UnionType(types=parts) | types.TupleType(item_types=parts):
            return parts
        case types.DictType(key_type=key, value_type=value):
            return [key, value]
        case types.CollectionType(item_type=item):
            return [item]
    return []
