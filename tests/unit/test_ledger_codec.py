"""Events to stored form and back."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet

from adapters.ledger.codec import Codec, kind_of
from adapters.ledger.digest import chained, content_hash, event_id
from adapters.ledger.sealing import KeyMissingError, Keyring
from domain.errors import LedgerError, Misconfigured, Unstorable
from domain.personal import Personal
from tests.support.example_events import CATALOGUE, EVERYTHING, Measured, Noted, noting
from tests.support.ledgers import ENCRYPTION_KEYS

ADA = "zammad-user:7"


def keyring(*keys: str) -> Keyring:
    return Keyring(keys or ENCRYPTION_KEYS)


def knowing(ring: Keyring, *subjects: str) -> Keyring:
    for subject in subjects:
        ring.learn(subject, 1, ring.new_wrapped())
    return ring


def test_the_stored_text_is_canonical_and_sealed() -> None:
    codec = Codec(CATALOGUE, knowing(keyring(), ADA, "zammad-user:8"))
    text = codec.encode(EVERYTHING).decode()
    assert text.startswith('{"amount":"7.50","author":{"key":"zammad-user:7#1","sealed":"')
    assert '"lasted":"-PT3599.999999S"' in text
    assert "Lovelace" not in text
    assert codec.decode("Everything", 1, text) == EVERYTHING


def test_old_shapes_are_brought_up_step_by_step() -> None:
    codec = Codec(CATALOGUE, keyring())
    assert codec.decode("Measured", 1, '{"minutes":2}') == Measured(seconds=120)
    assert codec.decode("Measured", 2, '{"length":3}') == Measured(seconds=180)
    assert codec.decode("Measured", 3, '{"seconds":4}') == Measured(seconds=4)


@pytest.mark.parametrize(("type_", "schema"), [("Measured", 4), ("Unheard", 1)])
def test_events_of_a_newer_program_are_named(type_: str, schema: int) -> None:
    with pytest.raises(Unstorable, match=f"{type_} of schema {schema}"):
        Codec(CATALOGUE, keyring()).decode(type_, schema, "{}")


def test_an_event_outside_the_catalogue_is_refused() -> None:
    codec = Codec([Measured], keyring())
    with pytest.raises(Unstorable, match="Noted"):
        codec.prepare(noting("note-1", "a"))


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [(float, "float"), (Any, "anything"), (dict[str, object], "object"), (complex, "complex")],
)
def test_a_catalogue_that_would_lose_something_is_refused(annotation: Any, complaint: str) -> None:
    cls: Any = dataclass(frozen=True, kw_only=True)(
        type("Lossy", (), {"TYPE": "Lossy", "SCHEMA": 1, "__annotations__": {"x": annotation}})
    )
    with pytest.raises(TypeError, match=complaint):
        Codec([cls], keyring())


def test_a_new_schema_needs_an_upcaster() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Grown:
        TYPE: ClassVar = "Grown"
        SCHEMA: ClassVar = 2

        x: int

    with pytest.raises(TypeError, match="upcast_v1_v2"):
        Codec([Grown], keyring())


def test_two_types_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="Noted"):
        Codec([Noted, Noted], keyring())


def test_names_with_nul_are_refused() -> None:
    with pytest.raises(Unstorable, match="NUL"):
        Codec(CATALOGUE, keyring()).prepare(noting("note-\0", "a"))


def test_sealing_needs_the_subjects_key_first() -> None:
    with pytest.raises(KeyMissingError) as missing:
        keyring().seal(Personal(ADA, "Ada"))
    assert missing.value.subject == ADA


def test_sealed_values_differ_each_time_and_open_to_the_same() -> None:
    ring = knowing(keyring(), ADA)
    one, two = (ring.seal(Personal(ADA, "Ada\ud800")) for _ in range(2))
    assert one != two
    assert ring.personal(one.key, one.sealed).value == "Ada\ufffd"
    assert ring.personal(two.key, two.sealed) == Personal(ADA, "Ada\ufffd")


def test_a_value_under_another_persons_name_does_not_open() -> None:
    ring = knowing(keyring(), ADA, "zammad-user:8")
    sealed = ring.seal(Personal(ADA, "Ada"))
    with pytest.raises(LedgerError, match="altered"):
        _ = ring.personal("zammad-user:8#1", sealed.sealed).value


def test_a_destroyed_key_leaves_nothing_to_open() -> None:
    ring = knowing(keyring(), ADA)
    sealed = ring.seal(Personal(ADA, "Ada"))
    before = ring.personal(sealed.key, sealed.sealed)
    ring.forget(sealed.key)
    assert before.value is None
    assert ring.personal(sealed.key, sealed.sealed).value is None
    with pytest.raises(KeyMissingError):
        ring.seal(Personal(ADA, "Ada"))


def test_an_erased_value_stays_erased_when_written_again() -> None:
    ring = knowing(keyring(), ADA)
    sealed = ring.seal(Personal(ADA, None))
    assert ring.personal(sealed.key, sealed.sealed).value is None


def test_an_unknown_key_is_asked_for_and_not_taken_for_erased() -> None:
    sealed = knowing(keyring(), ADA).seal(Personal(ADA, "Ada"))
    other = keyring()
    value = other.personal(sealed.key, sealed.sealed)
    assert other.missing == {sealed.key}
    with pytest.raises(LookupError):
        _ = value.value


def test_encryption_keys_rotate() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    wrapped = keyring(old).new_wrapped()
    rotated = keyring(new, old).rewrapped(wrapped)
    keyring(new).learn(ADA, 1, rotated)
    with pytest.raises(Misconfigured, match="zammad-user:7#1"):
        keyring(new).learn(ADA, 1, wrapped)
    with pytest.raises(Misconfigured, match="Fernet"):
        keyring("short")


def test_an_event_id_is_a_valid_uuid_of_version_8() -> None:
    stream = uuid.UUID("12345678-1234-5678-1234-567812345678")
    made = event_id(stream, 7)
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert made != event_id(stream, 8)


def test_the_golden_digest() -> None:
    """Computed with openssl from the formula: whoever changes it breaks every ledger."""
    content = content_hash(data=b'{"a":1}', meta=b"{}", schema=1, stream=b'"s-1"', type_=b'"T"')
    text = b'{"data":{"a":1},"metadata":{},"schema":1,"stream":"s-1","type":"T"}'
    assert content == hashlib.sha256(text).digest()
    digest = chained(
        bytes(32),
        position=1,
        version=1,
        recorded_at=datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        content=content,
    )
    assert digest.hex() == "9afaf3d0ee659787d845cc3a845e84b6102d2aed01275d5f06665b99f24e3df4"


@pytest.mark.parametrize(
    ("stream", "kind"),
    [("time-entry-17", "time-entry"), ("login", "login"), ("user-mapping-1", "user-mapping")],
)
def test_the_kind_is_the_stream_without_its_number(stream: str, kind: str) -> None:
    assert kind_of(stream) == kind
