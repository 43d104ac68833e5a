"""The rules of channels, and of what they are told when."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.notifications import Messenger
from domain.channel.decide import (
    CHANNEL,
    MASK,
    AddChannel,
    ChangeChannel,
    Channel,
    RemoveChannel,
    holds,
)
from domain.channel.events import ChannelRemoved, NotificationFailed, NotificationSent
from domain.channel.telling import (
    LONGEST,
    MOST_FAILURES,
    WINDOW,
    Standing,
    Topic,
    Untold,
    due_at,
    message,
)
from domain.delivery.events import WebhookDeliveryFailed, WebhookDeliveryRejected
from domain.errors import RuleViolation
from domain.event import Actor, Event, Metadata, Recorded
from domain.ids import ChannelId, ConnectorId, RunId
from domain.numbering import NumberTaken
from domain.sync_run.events import Counters, SyncRunFailed
from projections import worth_telling

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ADD = AddChannel(
    channel_id=ChannelId(1),
    name="Ops",
    kind="json",
    events=("run_failed",),
    is_active=True,
    address_fingerprint="one",
)


def channel() -> Channel:
    (added,) = CHANNEL.decide(ADD, None)
    made = CHANNEL.evolve(None, added)
    assert made is not None
    return made


def test_a_change_says_what_differs_and_never_the_address() -> None:
    fields = {"events": ("run_failed", "dead_letter"), "address_fingerprint": "two"}
    (changed,) = CHANNEL.decide(ChangeChannel(fields=fields), channel())
    assert [(each.field, each.old, each.new) for each in changed.changes] == [  # type: ignore[union-attr]
        ("events", "run_failed", "run_failed, dead_letter"),
        ("url", MASK, MASK),
    ]
    assert CHANNEL.decide(ChangeChannel(fields={"name": "Ops"}), channel()) == []


def test_versions_count_changes_and_not_messages() -> None:
    told = NotificationSent(channel_id=ChannelId(1), topic="run_failed", count=1, up_to=9)
    after = CHANNEL.evolve(channel(), told)
    assert after is not None
    assert (after.version, after.revision) == (2, 1)
    assert CHANNEL.decide(RemoveChannel(expected=1), after) == [
        ChannelRemoved(channel_id=ChannelId(1))
    ]
    with pytest.raises(RuleViolation) as refused:
        CHANNEL.decide(RemoveChannel(expected=2), after)
    assert refused.value.code == "stale_version"
    gone = replace(after, removed=True)
    assert holds(after) == {"channel-name:ops"}
    assert holds(gone) == frozenset()
    with pytest.raises(RuleViolation):
        CHANNEL.decide(ChangeChannel(fields={}), gone)
    with pytest.raises(NumberTaken):
        CHANNEL.decide(ADD, gone)


def untold(count: int, newest: int = 10) -> Untold:
    texts = [f"Run {number} failed: x" for number in range(count, 0, -1)]
    return Untold(count=count, newest=newest, since=NOW, texts=texts)


def test_one_is_told_as_it_is_and_many_are_counted() -> None:
    one = message(Topic.RUN_FAILED, untold(1))
    assert (one.title, one.body) == ("Timeledger: A run failed", "Run 1 failed: x")
    many = message(Topic.RUN_FAILED, untold(12))
    assert many.title == "Timeledger: 12 runs failed"
    assert many.body.splitlines() == [
        *("Run 12 failed: x", "Run 11 failed: x", "Run 10 failed: x"),
        "12 in all since 2026-11-02 08:00 UTC; these are the newest.",
    ]
    long = replace(untold(1), texts=["a\n\tb" + "c" * 1000])
    assert message(Topic.DEAD_LETTER, long).body.startswith("a bc")
    assert len(message(Topic.DEAD_LETTER, long).body) == LONGEST


def test_the_first_is_told_at_once_and_the_others_when_the_silence_is_over() -> None:
    fresh = Standing(told_to=5)
    assert due_at(fresh, untold(1), NOW) == NOW
    assert due_at(fresh, untold(1, newest=5), NOW) is None
    told = Standing(told_to=10, last_at=NOW)
    assert due_at(told, untold(1, newest=11), NOW) == NOW + WINDOW
    assert due_at(told, untold(1, newest=11), NOW + 2 * WINDOW) == NOW + 2 * WINDOW


def test_what_fails_is_tried_ever_more_seldom_until_there_are_news() -> None:
    waits = []
    for failures in range(1, MOST_FAILURES):
        standing = Standing(told_to=5, tried_to=10, failures=failures, last_at=NOW)
        at = due_at(standing, untold(1), NOW)
        assert at is not None
        waits.append((at - NOW) // WINDOW)
    assert waits == [1, 2, 4, 8, 16]
    given_up = Standing(told_to=5, tried_to=10, failures=MOST_FAILURES, last_at=NOW)
    assert due_at(given_up, untold(1), NOW + timedelta(days=9)) is None
    assert due_at(given_up, untold(2, newest=11), NOW) == NOW + 16 * WINDOW


@dataclass
class World:
    """A channel and what happens, minute by minute; `dead` are the minutes in which it refuses."""

    dead: set[int]
    happened: list[int] = field(default_factory=list)  # minutes; positions count from 1
    standing: Standing = field(default_factory=lambda: Standing(told_to=0))
    sent: list[tuple[int, int]] = field(default_factory=list)  # minute, count
    tried: list[int] = field(default_factory=list)

    def minute(self, at: int, occurrences: int) -> None:
        self.happened += [at] * occurrences
        now = NOW + timedelta(minutes=at)
        count = len(self.happened) - self.standing.told_to
        some = Untold(count=count, newest=len(self.happened), since=NOW, texts=())
        due = due_at(self.standing, some, now)
        if due is None or due > now:
            return
        self.tried.append(at)
        if at in self.dead:
            self.standing = replace(
                self.standing,
                tried_to=len(self.happened),
                failures=self.standing.failures + 1,
                last_at=now,
            )
            return
        self.sent.append((at, count))
        self.standing = Standing(told_to=len(self.happened), last_at=now)


@given(
    st.dictionaries(st.integers(0, 400), st.integers(1, 50), max_size=40),
    st.sets(st.integers(0, 400), max_size=200),
)
def test_no_flood_and_nothing_lost(happens: dict[int, int], dead: set[int]) -> None:
    world = World(dead)
    for at in range(700):
        world.minute(at, happens.get(at, 0))
    window = WINDOW // timedelta(minutes=1)
    assert all(b - a >= window for a, b in zip(world.tried, world.tried[1:], strict=False))
    assert sum(count for _, count in world.sent) == world.standing.told_to
    if not dead:
        assert world.standing.told_to == sum(happens.values())
        firsts = [at for at in happens if not any(at - 2 * window < one < at for one in happens)]
        assert set(firsts) <= {at for at, _ in world.sent}


def test_a_failed_run_with_many_conflicts_is_both() -> None:
    many = SyncRunFailed(run_id=RunId(7), counters=Counters(conflicts=11), error="Away")
    few = replace(many, counters=Counters(conflicts=10))
    assert [(row.topic, row.also) for row in map(occurrence, (many, few))] == [
        ("run_failed", "conflicts_opened"),
        ("run_failed", None),
    ]
    assert occurrence(many).text == "Run 7 failed after it had opened 11 conflicts: Away"


def recorded_as(event: Event) -> Recorded[Event]:
    return Recorded(
        position=3,
        stream="sync-run-7",
        version=2,
        event=event,
        metadata=Metadata(actor=Actor(kind="service", name="sync"), correlation_id="run-7"),
        occurred_at=NOW,
        recorded_at=NOW,
        digest="",
    )


def occurrence(event: Event) -> worth_telling.Row:
    recorded = recorded_as(event)
    assert worth_telling.keys(recorded) == (3,)
    row = worth_telling.project(None, recorded)
    assert row is not None
    return row


def test_deliveries_that_were_rejected_or_given_up_are_told() -> None:
    rejected = WebhookDeliveryRejected(
        delivery_id="d-1",
        connector_id=ConnectorId(1),
        code="bad_signature",
        trigger=None,
        body_digest="",
        size=2,
    )
    given_up = WebhookDeliveryFailed(
        delivery_id="d-2",
        receipt=2,
        run_id=None,
        asked=1,
        attempts=12,
        reason="PEER_REJECTED",
        message="Zammad refused the ticket.",
        again_at=None,
    )
    assert [occurrence(event).topic for event in (rejected, given_up)] == [
        "webhook_rejected",
        "dead_letter",
    ]
    assert not worth_telling.keys(recorded_as(replace(given_up, again_at=NOW)))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(("json", "jsons", "mailto", "slack", "matrix", "ntfy", "https", "x", "")),
    st.text(st.sampled_from("ab1:/@?=&%[]#. ,é\n"), max_size=20),
)
def test_any_address_is_answered_in_our_words(scheme: str, rest: str) -> None:
    said = asyncio.run(said_of(f"{scheme}://{rest}"))
    assert said in {"known", "validation", "insecure_url"}


async def said_of(address: str) -> str:
    try:
        return "known" if await Messenger().kind_of(address) else "nothing"
    except RuleViolation as refused:
        return refused.code if address not in str(refused) else str(refused)


def test_a_reason_is_ours() -> None:
    failed = NotificationFailed(
        channel_id=ChannelId(1), topic="test", count=1, up_to=0, attempts=1, reason="No."
    )
    after = CHANNEL.evolve(channel(), failed)
    assert after is not None
    assert after.revision == 1
