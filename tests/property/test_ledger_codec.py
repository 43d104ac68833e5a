"""Whatever an event of the catalogue holds comes back as it was."""

from datetime import UTC, datetime

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ledger.codec import Codec
from adapters.ledger.sealing import Keyring
from domain.catalogue import ALL
from domain.event import Event, Metadata
from tests.support.any_event import SUBJECTS, any_instance
from tests.support.example_events import CATALOGUE
from tests.support.ledgers import ENCRYPTION_KEYS

TYPES = [*ALL, *CATALOGUE]


def _codec() -> Codec:
    ring = Keyring(ENCRYPTION_KEYS)
    for subject in SUBJECTS:
        ring.learn(subject, 1, ring.new_wrapped())
    return Codec(TYPES, ring)


CODEC = _codec()


@pytest.mark.parametrize("cls", TYPES, ids=lambda cls: cls.TYPE)
def test_every_event_type_survives_storing(cls: type[Event]) -> None:
    @settings(max_examples=50, deadline=None)
    @given(any_instance(cls))
    def survives(event: Event) -> None:
        text = CODEC.encode(event)
        assert CODEC.decode(cls.TYPE, cls.SCHEMA, text) == event
        assert text == rfc8785.dumps(msgspec.json.decode(text))

    survives()


@settings(deadline=None)
@given(any_instance(Metadata), st.datetimes(timezones=st.just(UTC)))
def test_metadata_survives_storing(metadata: Metadata, occurred_at: datetime) -> None:
    text = CODEC.encode_metadata(metadata, occurred_at)
    assert CODEC.decode_metadata(text) == (metadata, occurred_at)
    assert text == rfc8785.dumps(msgspec.json.decode(text))
