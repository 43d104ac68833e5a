"""A believable past in any size: runs over bookings, in the order in which a sync appends them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from domain.account.events import UserAdded, UserLoggedIn
from domain.change import Change
from domain.connector.events import ConnectorAdded, ConnectorChanged
from domain.event import Actor, Append, Event, Metadata
from domain.ids import (
    ConnectorId,
    EntryId,
    MappingId,
    RunId,
    UserId,
    connector_stream,
    entry_id,
    entry_stream,
    run_stream,
)
from domain.mapping.events import MappingSet, UserMappingSet
from domain.personal import Personal
from domain.sync_run.events import (
    Cause,
    Counters,
    SyncRunCompleted,
    SyncRunProgressed,
    SyncRunQueued,
    SyncRunStarted,
)
from domain.time_entry.events import (
    ConflictOpened,
    EntryChangedAtSource,
    EntryDecided,
    EntryObserved,
    TimesheetCreated,
    TimesheetUpdated,
    TimesheetWriteIntended,
)
from domain.time_entry.values import (
    Basis,
    Booking,
    Context,
    Desired,
    Operation,
    Outcome,
    ReasonCode,
    Request,
    Written,
)

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
ZAMMAD, KIMAI = ConnectorId(1), ConnectorId(2)
PER_RUN = 500  # bookings one run finds
HOURLY = timedelta(hours=1)
ADMIN = Personal("account:1", "alice")
BY_ADMIN = Metadata(
    actor=Actor(kind="user", name=ADMIN),
    correlation_id="setup",
    request_id="r-1",
    ip_address=Personal("account:1", "192.0.2.7"),
    user_agent=Personal("account:1", "Mozilla/5.0"),
)
TEXTS = ("Reset the tunnel.", "Called back, router replaced.", "Looked into the slow printer.")


def past(bookings: int, *, start: datetime = START, every: timedelta = HOURLY) -> Iterator[Append]:
    """The whole log; about 4.3 events per booking, 1 in 20 edited, 1 in 25 in conflict.

    A run `every` so often from `start` on.
    """
    yield from setup()
    for number in range((bookings + PER_RUN - 1) // PER_RUN):
        first = number * PER_RUN + 1
        source_ids = range(first, min(first + PER_RUN, bookings + 1))
        run_id = RunId(number + 1)
        yield from run(run_id, source_ids, now=start + every * run_id)


def setup() -> Iterator[Append]:
    """An account, both connectors, some mappings."""
    added = UserAdded(
        user_id=UserId(1),
        username=ADMIN,
        email=Personal("account:1", "alice@example.com"),
        full_name=None,
        role="admin",
        is_active=True,
        credential="c-1",
    )
    yield _append("user-1", BY_ADMIN, added)
    expires = START + timedelta(hours=12)
    logged_in = UserLoggedIn(user_id=UserId(1), username=ADMIN, token_id="t", expires_at=expires)
    yield _append("login", BY_ADMIN, logged_in)
    for connector, kind in ((ZAMMAD, "zammad"), (KIMAI, "kimai")):
        yield _append(connector_stream(connector), BY_ADMIN, *_connector(connector, kind))
    for type_id in range(1, 6):
        yield _append(f"mapping-{type_id}", BY_ADMIN, _mapping(type_id))
    for agent in range(1, 9):
        yield _append(f"user-mapping-{agent}", BY_ADMIN, _user_mapping(agent))


def run(run_id: RunId, source_ids: range, *, now: datetime | None = None) -> Iterator[Append]:
    """One run: everything is observed first, then decided and written, some go another way."""
    now = now or START + HOURLY * run_id
    by_run = Metadata(
        actor=Actor(kind="service", name="sync"), correlation_id=f"run-{run_id}", run_id=run_id
    )
    stream = run_stream(run_id)
    cause = Cause(kind="schedule", name=now.isoformat())
    queued = SyncRunQueued(
        run_id=run_id,
        trigger="scheduled",
        cause=cause,
        source_connector_id=ZAMMAD,
        target_connector_id=KIMAI,
        start_date=None,
        end_date=None,
    )
    yield _append(stream, by_run, queued, SyncRunStarted(run_id=run_id), at=now)
    for source_id in source_ids:
        entry = entry_id(ZAMMAD, source_id)
        yield _append(entry_stream(entry), by_run, observed(entry, source_id, now), at=now)
    for done, source_id in enumerate(source_ids):
        entry = entry_id(ZAMMAD, source_id)
        for events in carried(entry, source_id, now):
            yield _append(entry_stream(entry), by_run, *events, at=now)
        if done % 100 == 0:
            so_far = Counters(fetched=len(source_ids), created=done)
            progressed = SyncRunProgressed(
                run_id=run_id, phase="write", done=done, total=len(source_ids), counters=so_far
            )
            yield _append(stream, by_run, progressed, at=now)
    counters = Counters(fetched=len(source_ids), created=len(source_ids))
    completed = SyncRunCompleted(
        run_id=run_id,
        counters=counters,
        watermark=now,
        target_watermark=now,
        target_listed_at=START,
        ticket_watermark=START,
    )
    yield _append(stream, by_run, completed, at=now + timedelta(minutes=1))


def observed(entry: EntryId, source_id: int, now: datetime) -> EntryObserved:
    return EntryObserved(
        entry_id=entry,
        connector_id=ZAMMAD,
        booking=booking(source_id, now),
        context=context(source_id),
    )


def booking(source_id: int, now: datetime, *, time_unit: str = "0.75") -> Booking:
    return Booking(
        source_id=source_id,
        ticket_id=50 + source_id % 200,
        article_id=1000 + source_id,
        time_unit=Decimal(time_unit),
        type_id=1 + source_id % 5,
        created_by_id=1 + source_id % 8,
        created_at=now - timedelta(minutes=source_id % 300),
        updated_at=now,
    )


def context(source_id: int) -> Context:
    agent, customer = source_id % 8 + 1, source_id % 12 + 1
    return Context(
        ticket_number=str(10_000 + source_id % 200),
        ticket_title=f"VPN down {source_id % 200}",
        group_id=1,
        group_name="Support",
        customer_id=customer,
        customer_name=Personal(f"customer:{customer}", f"Customer {customer}"),
        organization_id=customer,
        organization_name=f"Awesome Customer {customer} Inc.",
        type_name="Support",
        agent_name=Personal(f"zammad-user:{agent}", f"Agent {agent}"),
        agent_email=Personal(f"zammad-user:{agent}", f"agent{agent}@example.com"),
        text=Personal(f"zammad-user:{agent}", TEXTS[source_id % len(TEXTS)]),
    )


def carried(entry: EntryId, source_id: int, now: datetime) -> Iterator[Sequence[Event]]:
    """What happens to one observed booking, an append each."""
    if source_id % 25 == 0:
        reason = ReasonCode.UNMAPPED_ACTIVITY
        yield (
            decided(entry, source_id, now, Outcome.HOLD),
            ConflictOpened(entry_id=entry, reason=reason, detail="no mapping for type 4"),
        )
        return
    yield (
        decided(entry, source_id, now, Outcome.CREATE),
        intended(entry, source_id, now, 1, Operation.CREATE),
    )
    yield (TimesheetCreated(entry_id=entry, intent=1, written=written(source_id, now)),)
    if source_id % 20 == 0:
        changed = EntryChangedAtSource(
            entry_id=entry,
            booking=booking(source_id, now, time_unit="1.25"),
            context=context(source_id),
            changed=("time_unit",),
        )
        yield (
            changed,
            decided(entry, source_id, now, Outcome.UPDATE),
            intended(entry, source_id, now, 2, Operation.UPDATE),
        )
        yield (TimesheetUpdated(entry_id=entry, intent=2, written=written(source_id, now)),)


def decided(entry: EntryId, source_id: int, now: datetime, outcome: Outcome) -> EntryDecided:
    begin = now - timedelta(minutes=source_id % 300)
    desired = Desired(
        begin=begin,
        end=begin + timedelta(minutes=45),
        zone="Europe/Brussels",
        user_id=4,
        project_id=1 + source_id % 200,
        activity_id=2,
        description=_text(source_id),
        tag="source:zammad",
        billable=None,
    )
    return EntryDecided(
        entry_id=entry,
        outcome=outcome,
        basis=Basis(
            unit_minutes=Decimal(60),
            anchor="end_at_booking",
            zone="Europe/Brussels",
            work_date=begin.date(),
            configuration="0123456789abcdef",
            activity="mapping:4@2",
            user="user-mapping:email",
        ),
        desired=None if outcome is Outcome.HOLD else desired,
        reason=ReasonCode.UNMAPPED_ACTIVITY if outcome is Outcome.HOLD else None,
    )


def intended(
    entry: EntryId, source_id: int, now: datetime, intent: int, operation: Operation
) -> TimesheetWriteIntended:
    fields: dict[str, str | int | bool | None] = {
        "begin": f"{now:%Y-%m-%dT%H:%M:%S}",
        "project": 1 + source_id % 200,
        "activity": 2,
        "tags": "source:zammad",
    }
    return TimesheetWriteIntended(
        entry_id=entry,
        target_connector_id=KIMAI,
        intent=intent,
        operation=operation,
        marker=f"[zammad:{entry}]",
        request=Request(
            method="POST", path="/api/timesheets", fields=fields, description=_text(source_id)
        ),
    )


def written(source_id: int, now: datetime) -> Written:
    begin = now - timedelta(minutes=source_id % 300)
    return Written(
        timesheet_id=source_id,
        user_id=4,
        project_id=1 + source_id % 200,
        activity_id=2,
        begin=begin,
        end=begin + timedelta(minutes=45),
        duration=timedelta(minutes=45),
        description=_text(source_id),
        tags=("source:zammad",),
        exported=False,
        billable=True,
    )


def _text(source_id: int) -> Personal:
    return Personal(f"zammad-user:{source_id % 8 + 1}", TEXTS[source_id % len(TEXTS)])


def _connector(connector: ConnectorId, kind: str) -> Sequence[Event]:
    base_url = f"https://{kind}.example.com/"
    return (
        ConnectorAdded(
            connector_id=connector,
            kind=kind,
            name=kind.title(),
            base_url=base_url,
            is_active=True,
            settings={},
            token_fingerprint="f-1",
        ),
        ConnectorChanged(
            connector_id=connector,
            name=kind.title(),
            base_url=base_url,
            is_active=True,
            settings={"rounding_days": (0, 1, 2)} if kind == "kimai" else {"lookback": 30},
            changes=(Change(field="settings.lookback", old=15, new=30),),
        ),
    )


def _mapping(type_id: int) -> MappingSet:
    return MappingSet(
        mapping_id=MappingId(type_id),
        zammad_type_id=type_id,
        zammad_type_name=f"Type {type_id}",
        kimai_activity_id=type_id,
        kimai_activity_name=f"Activity {type_id}",
        is_active=True,
        billable=None,
    )


def _user_mapping(agent: int) -> UserMappingSet:
    subject = f"zammad-user:{agent}"
    return UserMappingSet(
        mapping_id=MappingId(agent),
        zammad_user_id=agent,
        zammad_user_name=Personal(subject, f"Agent {agent}"),
        zammad_user_email=Personal(subject, f"agent{agent}@example.com"),
        kimai_user_id=agent,
        kimai_user_name=Personal(subject, f"agent{agent}"),
        is_active=True,
        origin="manual",
    )


def _append(stream: str, metadata: Metadata, *events: Event, at: datetime = START) -> Append:
    return Append(stream=stream, events=events, metadata=metadata, occurred_at=at, expected=None)
