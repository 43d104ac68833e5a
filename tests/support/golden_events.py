"""A frozen example of every event type and schema: what is stored once is readable for ever.

`python -m tests.support.golden_events` writes the examples that are missing. An existing one is
never overwritten: a changed shape is a new `SCHEMA` with an `upcast_v<n>_v<n+1>` step. Only while
a schema has never been stored outside a developer's machine may its file be deleted instead.
"""

import dataclasses
import types
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, NewType, Union, get_args, get_origin, get_type_hints

from adapters.ledger.codec import Codec
from adapters.ledger.sealing import Keyring
from domain.catalogue import ALL
from domain.event import Event, Metadata
from domain.personal import Personal
from tests.support.ledgers import ENCRYPTION_KEYS

FOLDER = Path(__file__).parents[1] / "data" / "events"
SUBJECT = "zammad-user:1"
NOW = datetime(2026, 10, 25, 1, 30, 15, 123456, tzinfo=UTC)
SIMPLE: dict[Any, Any] = {
    int: 7,
    str: "text",
    bool: True,
    Decimal: Decimal("7.50"),
    datetime: NOW,
    date: date(2026, 10, 25),
    timedelta: timedelta(minutes=90),
    Personal: Personal(SUBJECT, "Ada Lovelace"),
}


def codec() -> Codec:
    """With a key and nonces of zeros, so that sealed examples are the same every time."""
    ring = Keyring(ENCRYPTION_KEYS, random=bytes)
    ring.learn(SUBJECT, 1, ring.new_wrapped())
    return Codec(ALL, ring)


def file_of(type_: str, schema: int) -> Path:
    return FOLDER / f"{type_}.{schema}.json"


def example(annotation: Any) -> Any:
    """One value of `annotation`, every optional part of it filled."""
    while isinstance(annotation, NewType):
        annotation = annotation.__supertype__
    if annotation in SIMPLE:
        return SIMPLE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation))
    if dataclasses.is_dataclass(annotation):
        hints = get_type_hints(annotation)
        names = [name for name, hint in hints.items() if get_origin(hint) is not ClassVar]
        return annotation(  # type: ignore[operator]  # an instance never gets here
            **{name: example(hints[name]) for name in names if hints[name] is not ClassVar}
        )
    return _example_of(get_origin(annotation), get_args(annotation))


def _example_of(origin: Any, arguments: tuple[Any, ...]) -> Any:
    if origin in {Union, types.UnionType}:
        return example(next(a for a in arguments if a is not types.NoneType))
    if origin is dict:
        return {example(arguments[0]): example(arguments[1])}
    if origin is tuple:
        return tuple(example(a) for a in arguments if a is not Ellipsis)
    raise KeyError(origin)


def texts() -> dict[Path, bytes]:
    """What each file must hold, for the present shapes."""
    written = codec()
    events: list[Event] = [example(cls) for cls in ALL]
    found = {file_of(e.TYPE, e.SCHEMA): written.encode(e) for e in events}
    metadata: Metadata = example(Metadata)
    return {**found, FOLDER / "metadata.json": written.encode_metadata(metadata, NOW)}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in texts().items():
        if not file.exists():
            file.write_bytes(text + b"\n")


if __name__ == "__main__":
    main()
