"""A webhook delivery: its signature, its body, its rules."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from adapters.ledger.codec import kind_of
from api.problems import Problem
from api.webhook_body import Ids, delivery_id_of, ids_of, trigger_of
from api.webhook_keys import Keys
from api.webhook_rejections import ADDRESSES, MOST, MOST_OF_ALL, Rejections
from domain.delivery.commands import FailLook, FinishLook, NoteRepetition, RequestReplay
from domain.delivery.decide import DELIVERY, MOST_ATTEMPTS, MOST_REFUSALS, MOST_REPEATS, wait_after
from domain.delivery.events import (
    WebhookDeliveryFailed,
    WebhookDeliveryProcessed,
    WebhookDeliveryReceived,
    WebhookDeliveryRejected,
    WebhookDeliveryRepeated,
    WebhookDeliveryReplayRequested,
)
from domain.delivery.signature import is_signed, signature
from domain.ids import ConnectorId, RunId, delivery_stream
from tests.support.given import given

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
BODY = b'{"ticket":{"id":50},"article":{"id":89}}'
SIGNED = "sha1=f4e70f6e6c79dbf105ef4601de7ddc22b4a8e959"
NAME = "6f2f1f7e-0b8c-4f0e-9a55-0a3f5f6b7c11"
SECRET = "x" * 32
RUN, LATER_RUN = RunId(7), RunId(8)
RECEIVED = WebhookDeliveryReceived(
    delivery_id=NAME,
    connector_id=ConnectorId(1),
    ticket_id=50,
    article_id=89,
    trigger="time sync",
    body_digest=hashlib.sha256(BODY).hexdigest(),
    size=len(BODY),
)
REJECTED = WebhookDeliveryRejected(
    delivery_id=NAME,
    connector_id=ConnectorId(1),
    code="bad_signature",
    trigger=None,
    body_digest="",
    size=0,
)
REPLAYED = WebhookDeliveryReplayRequested(delivery_id=NAME, receipt=3)


def processed(run_id: RunId = RUN, asked: int = 1) -> WebhookDeliveryProcessed:
    return WebhookDeliveryProcessed(delivery_id=NAME, receipt=3, run_id=run_id, asked=asked)


def fail(run_id: RunId | None = RUN, asked: int = 1, **more: bool) -> FailLook:
    return FailLook(
        receipt=3, run_id=run_id, asked=asked, reason="OTHER", message="away", now=NOW, **more
    )


def test_the_contracts_test_vector() -> None:
    assert signature("s3cret", BODY) == SIGNED
    assert is_signed(SIGNED, BODY, ["s3cret"])
    assert is_signed(SIGNED.upper().replace("SHA1", "sha1"), BODY, ["s3cret"])


@pytest.mark.parametrize(
    "header",
    [None, "", "sha1=", SIGNED[5:], f" {SIGNED}", f"{SIGNED} ", f"{SIGNED}0", SIGNED[:-1],
     SIGNED.replace("sha1", "sha256"), "sha1=" + "é" * 40, "sha1=" + "0" * 40],
)  # fmt: skip
def test_no_other_header_is_a_signature(header: str | None) -> None:
    assert not is_signed(header, BODY, ["s3cret"])


def test_each_of_two_secrets_signs_and_none_signs_nothing() -> None:
    assert is_signed(SIGNED, BODY, ["another", "s3cret"])
    assert is_signed(SIGNED, BODY, ["s3cret", "another"])
    assert not is_signed(SIGNED, BODY, ["another"])
    assert not is_signed(SIGNED, BODY, [])
    assert not is_signed(SIGNED, BODY + b" ", ["s3cret"])


def test_the_former_secret_counts_until_its_end() -> None:
    keys = Keys(ConnectorId(1), "new", "old", NOW)
    assert keys.valid(NOW - timedelta(seconds=1)) == ["new", "old"]
    assert keys.valid(NOW) == ["new"]


def test_ids_are_read_from_any_payload_with_a_ticket() -> None:
    assert ids_of(BODY) == Ids(50, 89)
    assert ids_of(b'{"ticket":{"id":50}}') == Ids(50, None)
    assert ids_of(b'{"ticket":{"id":50},"article":{}}') == Ids(50, None)
    assert ids_of(b'{"ticket":{"id":50},"article":"none"}') == Ids(50, None)
    assert ids_of(b'{"ticket":{"id":50},"article":{"id":"x"}}') == Ids(50, None)
    assert ids_of(b'{"ticket":{"id":50,"group":{"id":1}},"x":[1.5,null]}') == Ids(50, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"ticket":{"id":"x"}', b"nothing", b"[" * 200_000, b'{"a":1} {}',
     b'{"ticket":{"id":50}', b'{"ticket":{"id":"\xff"}}'],
)  # fmt: skip
def test_what_is_not_json(body: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        ids_of(body)
    assert refusal.value.code == "malformed_json"


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"null", b'{"ticket":50}', b'{"ticket":{}}', b'{"ticket":{"id":"50"}}',
     b'{"ticket":{"id":true}}', b'{"ticket":{"id":50.5}}', b'{"ticket":{"id":0}}',
     b'{"ticket":{"id":-1}}', b'{"ticket":{"id":2147483648}}',
     b'{"ticket":{"id":' + b"9" * 400 + b"}}", b'{"ticket":null}', b'[{"ticket":{"id":50}}]'],
)  # fmt: skip
def test_json_without_a_ticket(body: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        ids_of(body)
    assert refusal.value.code == "bad_payload", body


@given_any(st.binary(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(("ticket", "id", "article")), inner, max_size=3),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_comes_there_are_ids_or_one_of_two_refusals(body: bytes) -> None:
    try:
        ids = ids_of(body)
    except Problem as problem:
        code = problem.code
    else:
        assert json.loads(body)["ticket"]["id"] == ids.ticket_id
        return
    assert code in ("malformed_json", "bad_payload")


def test_a_delivery_goes_by_its_header_or_by_a_digest() -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    assert delivery_id_of(NAME, BODY) == NAME
    assert delivery_id_of(None, BODY) == digest
    assert delivery_id_of("  ", BODY) == digest
    for odd in ("x" * 129, "a b", "a\x00b", "é", "日本"):
        name = delivery_id_of(odd, BODY)
        assert len(name) == 64
        assert name != digest
    assert delivery_id_of("é", BODY) != delivery_id_of("è", BODY)


def test_the_trigger_is_text_of_bounded_length() -> None:
    assert trigger_of("Zeit für Kimai".encode().decode("latin-1")) == "Zeit für Kimai"
    assert trigger_of("a\x00\x1bb") == "a??b"
    assert trigger_of(None) is None
    assert len(trigger_of("x" * 5000) or "") == 200
    assert trigger_of("\xff\xfe") == "\N{REPLACEMENT CHARACTER}" * 2


def test_the_stream_of_a_delivery_is_of_one_kind_whatever_its_id() -> None:
    for name in (NAME, "5", "a-5", "delivery-9"):
        assert kind_of(delivery_stream(name)) == "delivery"


def test_a_delivery_is_done_with_once_a_run_has_looked() -> None:
    look = FinishLook(receipt=3, run_id=RUN, asked=1)
    given(DELIVERY, RECEIVED).when(look).then(processed()).when(look).then()


def test_a_wish_that_came_during_the_look_waits_for_the_next_one() -> None:
    story = given(DELIVERY, RECEIVED, REPLAYED)
    after = story.when(FinishLook(receipt=3, run_id=RUN, asked=1)).then(processed())
    assert after.state is not None
    assert after.state.waits
    done = after.when(FinishLook(receipt=3, run_id=LATER_RUN, asked=2)).then_types(
        WebhookDeliveryProcessed
    )
    assert done.state is not None
    assert not done.state.waits


def test_replay_always_runs() -> None:
    replay = RequestReplay(receipt=3)
    for history in ([RECEIVED], [RECEIVED, processed()], [RECEIVED, processed(), REPLAYED]):
        given(DELIVERY, *history).when(replay).then(REPLAYED)


def test_only_what_was_received_can_be_replayed() -> None:
    given(DELIVERY).when(RequestReplay(receipt=0)).then_refused("not_found")
    given(DELIVERY, REJECTED).when(RequestReplay(receipt=0)).then_refused("entry_state")
    given(DELIVERY, REJECTED, RECEIVED).when(RequestReplay(receipt=3)).then(REPLAYED)
    given(DELIVERY, RECEIVED, REJECTED).when(RequestReplay(receipt=3)).then(REPLAYED)


def test_a_dead_letter_is_one_that_failed_for_good() -> None:
    wish = RequestReplay(receipt=3, only_dead=True)
    given(DELIVERY, RECEIVED).when(wish).then_refused("entry_state")
    given(DELIVERY, RECEIVED, processed()).when(wish).then_refused("entry_state")
    failed = given(DELIVERY, RECEIVED).when(fail(for_good=True)).then_types(WebhookDeliveryFailed)
    failed.when(wish).then(REPLAYED).when(wish).then_refused("entry_state")


def test_only_some_repetitions_are_recorded() -> None:
    story = given(DELIVERY, RECEIVED)
    for _ in range(MOST_REPEATS):
        story = story.when(NoteRepetition(receipt=3)).then_types(WebhookDeliveryRepeated)
    story.when(NoteRepetition(receipt=3)).then()


def test_a_failed_look_is_tried_again_ever_later_and_then_given_up() -> None:
    story, waits = given(DELIVERY, RECEIVED), []
    for number in range(MOST_ATTEMPTS):
        (event,) = story.when(fail(RunId(number + 1))).events
        assert isinstance(event, WebhookDeliveryFailed)
        assert event.attempts == number + 1
        waits.append(event.again_at)
        story = story.when(fail(RunId(number + 1))).after()
    assert waits[-1] is None
    assert [wait for wait in waits if wait is None] == [None]
    assert waits[:-1] == sorted(wait for wait in waits if wait is not None)
    assert story.state is not None
    assert not story.state.waits
    story.when(fail(RunId(99))).then()


def test_the_same_run_fails_a_delivery_once() -> None:
    story = given(DELIVERY, RECEIVED).when(fail()).then_types(WebhookDeliveryFailed)
    story.when(fail()).then()
    story.when(fail(LATER_RUN)).then_types(WebhookDeliveryFailed)


def test_a_ticket_that_zammad_refuses_is_given_up_sooner() -> None:
    assert wait_after(MOST_REFUSALS, refused=True) is None
    assert wait_after(MOST_REFUSALS, refused=False) is not None
    story = given(DELIVERY, RECEIVED)
    for number in range(MOST_REFUSALS):
        story = story.when(fail(RunId(number + 1), refused=True)).after()
    assert story.state is not None
    assert story.state.dead


def test_ten_rejections_a_minute_are_remembered_of_one_address() -> None:
    door = Rejections()
    admitted = [door.admit("192.0.2.1", NOW + timedelta(seconds=second)) for second in range(30)]
    assert sum(admitted) == MOST
    assert door.admit("192.0.2.2", NOW + timedelta(seconds=30))
    assert door.admit("192.0.2.1", NOW + timedelta(seconds=60))
    assert len(set(door.keys("192.0.2.1", NOW, SECRET))) == MOST
    later = NOW + timedelta(minutes=1)
    assert not set(door.keys("192.0.2.1", NOW, SECRET)) & set(door.keys("192.0.2.1", later, SECRET))
    assert not any("192" in key for key in door.keys("192.0.2.1", NOW, SECRET))


def test_one_who_has_many_addresses_has_one_count() -> None:
    door = Rejections()
    assert sum(door.admit(f"2001:db8::{n:x}", NOW) for n in range(1, 50)) == MOST
    assert sum(door.admit(f"::ffff:192.0.2.{n}", NOW) for n in range(1, 5)) == 4
    assert door.admit("unknown", NOW)


def test_neither_the_memory_nor_the_ledger_is_filled_by_many_senders() -> None:
    door = Rejections()
    senders = [f"10.{n >> 8}.{n & 255}.1" for n in range(ADDRESSES + 500)]
    assert sum(door.admit(sender, NOW) for sender in senders) == MOST_OF_ALL
    assert len(door._of) <= ADDRESSES
