"""Login tokens and cursors: what is not of our making is refused."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose import jwt

from api.cursors import decoded, encoded
from api.problems import Problem
from api.tokens import Tokens

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
TOKENS = Tokens(SECRET, minutes=60)


def issue(now: datetime = NOW) -> str:
    return TOKENS.issue(username="alice", user_id=7, generation=3, now=now)[0]


def refused(text: str, now: datetime = NOW) -> str:
    with pytest.raises(Problem) as refusal:
        TOKENS.read(text, now=now)
    assert refusal.value.status == 401
    return refusal.value.code


def test_a_token_says_who_until_when() -> None:
    claims = TOKENS.read(issue(), now=NOW)
    assert (claims.username, claims.user_id, claims.generation) == ("alice", 7, 3)
    assert claims.expires_at == NOW + timedelta(hours=1)
    payload = jwt.get_unverified_claims(issue())
    assert {"sub", "exp", "iat", "jti"} <= set(payload)
    assert jwt.get_unverified_header(issue())["alg"] == "HS256"


def test_no_two_tokens_have_the_same_id() -> None:
    ids = {jwt.get_unverified_claims(issue())["jti"] for _ in range(50)}
    assert len(ids) == 50


def test_a_token_ends_to_the_second() -> None:
    text = issue()
    TOKENS.read(text, now=NOW + timedelta(minutes=59, seconds=59))
    assert refused(text, NOW + timedelta(hours=1)) == "token_expired"


@pytest.mark.parametrize(
    "change",
    [{"uid": "x"}, {"exp": None}, {"exp": 10**20}, {"gen": None}, {"jti": None, "uid": None}],
)
def test_odd_claims_are_refused_even_when_signed(change: dict[str, Any]) -> None:
    payload = {**jwt.get_unverified_claims(issue()), **change}
    text = jwt.encode(payload, SECRET, algorithm="HS256")
    assert refused(text) == "not_authenticated"


def test_other_keys_and_algorithms_are_refused() -> None:
    payload = jwt.get_unverified_claims(issue())
    assert refused(jwt.encode(payload, "x" * 40, algorithm="HS256")) == "not_authenticated"
    assert refused(jwt.encode(payload, SECRET, algorithm="HS512")) == "not_authenticated"
    head, body, _ = issue().split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for text in (f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}", "", ".."):
        assert refused(text) == "not_authenticated"


def test_a_token_nested_without_end_is_refused_before_anybody_checks_its_signature() -> None:
    head, body, signature = issue().split(".")
    for opening in (b"[", b'{"a":'):
        deep = base64.urlsafe_b64encode(opening * 9_000).rstrip(b"=").decode()
        assert refused(f"{deep}.{body}.{signature}") == "not_authenticated"
        assert refused(f"{head}.{deep}.{signature}") == "not_authenticated"


@given(st.lists(st.integers() | st.text(), max_size=4))
def test_a_cursor_gives_back_its_place(place: list[int | str]) -> None:
    assert decoded("entries", encoded("entries", place, SECRET), SECRET) == place


@given(st.text(max_size=80))
def test_a_cursor_of_anybody_else_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        decoded("entries", text, SECRET)
    assert refusal.value.code == "cursor_invalid"


def test_a_cursor_is_good_for_its_own_list_and_service_only() -> None:
    cursor = encoded("entries", [1], SECRET)
    for kind, secret in (("history", SECRET), ("entries", SECRET + "x")):
        with pytest.raises(Problem):
            decoded(kind, cursor, secret)
