"""Our canonical text is that of RFC 8785; the reference implementation is the oracle."""

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.ledger.canonical import Canonical, without_lone_surrogates
from domain.errors import Unstorable

SAFE = 2**53 - 1
TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)
CANONICAL = Canonical()


@settings(deadline=None)  # a busy machine is no slow function
@given(JSON)
def test_it_writes_what_the_reference_writes(value: object) -> None:
    assert CANONICAL.encode(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # any JSON


@settings(deadline=None)  # a busy machine is no slow function
@given(JSON)
def test_reading_gives_the_value_back(value: object) -> None:
    assert msgspec.json.decode(CANONICAL.encode(value)) == value


@settings(deadline=None)  # a busy machine is no slow function
@given(st.integers(min_value=SAFE + 1) | st.integers(max_value=-SAFE - 1))
def test_integers_that_others_would_round_are_refused(number: int) -> None:
    with pytest.raises(Unstorable):
        CANONICAL.encode({"n": [number]})


@settings(deadline=None)  # a busy machine is no slow function
@given(st.text(st.characters()))
def test_half_a_surrogate_never_reaches_the_ledger(text: str) -> None:
    written = CANONICAL.encode({text: text})
    mended = without_lone_surrogates(text)
    assert msgspec.json.decode(written) == {mended: mended}
    assert len(mended) <= len(text)


def test_keys_beyond_the_basic_plane_sort_by_utf16() -> None:
    assert (
        CANONICAL.encode({"\ue000": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ue000":1}'.encode()
    )


def test_nul_stays() -> None:
    assert CANONICAL.encode("a\0") == rb'"a\u0000"'
