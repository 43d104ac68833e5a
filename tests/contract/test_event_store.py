"""What every event store promises."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785

from adapters.memory import MemoryEventStore
from adapters.postgres.event_store import PostgresEventStore
from domain.errors import AlreadyClaimed, LedgerError, StreamMovedOn, Unstorable
from domain.event import Actor, Append, Appended, Event, Metadata, Recorded
from domain.personal import Personal
from tests.support.example_events import CATALOGUE, EVERYTHING, NOW, Noted, noting
from tests.support.ledgers import migrated, postgres_ledger

Store = MemoryEventStore | PostgresEventStore


@pytest.fixture(params=["memory", "embedded-18", "debian-15"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryEventStore(CATALOGUE)
        return
    fixture = {"embedded-18": "embedded_server", "debian-15": "debian_server"}[request.param]
    server = request.getfixturevalue(fixture)
    with server.database(server.template("migrated", migrated)) as dsn:
        async with postgres_ledger(dsn) as opened:
            yield opened


async def texts(store: Store, stream: str) -> list[str]:
    history = await store.read(stream)
    return [event.text for event in history.events if isinstance(event, Noted)]


async def test_an_unknown_stream_is_empty_and_at_version_0(store: Store) -> None:
    history = await store.read("note-1")
    assert (list(history.events), history.version) == ([], 0)
    assert await store.head() == 0
    assert list(await store.page(0, 10)) == []
    assert list(await store.read_recorded("note-1")) == []


async def test_positions_count_the_log_and_versions_the_stream(store: Store) -> None:
    assert await store.append(noting("note-1", "a", "b")) == Appended(position=2, version=2)
    assert await store.append(noting("note-2", "c")) == Appended(position=3, version=1)
    assert await store.append(noting("note-1", "d")) == Appended(position=4, version=3)
    events = await store.page(0, 10)
    assert [(e.position, e.stream, e.version) for e in events] == [
        (1, "note-1", 1),
        (2, "note-1", 2),
        (3, "note-2", 1),
        (4, "note-1", 3),
    ]
    assert await store.head() == 4


async def test_an_event_comes_back_as_it_went_in(store: Store) -> None:
    metadata = Metadata(
        actor=Actor(kind="user", name=Personal("account:1", "ada")),
        correlation_id="c-2",
        request_id="r-1",
        causation_position=17,
        run_id=3,
        ip_address=Personal("account:1", "192.0.2.1"),
        user_agent=Personal("account:1", "Browser\0"),
    )
    await store.append(
        Append(
            stream="thing-1", events=[EVERYTHING], metadata=metadata, occurred_at=NOW, expected=0
        )
    )
    (event,) = await store.page(0, 10)
    assert event.event == EVERYTHING
    assert event.metadata == metadata
    assert event.occurred_at == NOW
    assert event.recorded_at.utcoffset() == timedelta(0)
    assert list((await store.read("thing-1")).events) == [EVERYTHING]
    assert list(await store.read_recorded("thing-1")) == [event]


async def test_several_streams_are_read_at_once_in_the_order_asked(store: Store) -> None:
    await store.append(noting("note-1", "a", "b"))
    await store.append(noting("note-2", "c"))
    asked = ["note-2", "note-9", "note-1", "note-2"]
    histories = await store.read_many(asked)
    assert [[e.text for e in h.events if isinstance(e, Noted)] for h in histories] == [
        ["c"],
        [],
        ["a", "b"],
        ["c"],
    ]
    assert [history.version for history in histories] == [1, 0, 2, 1]
    assert list(await store.read_many([])) == []


async def test_a_stream_can_be_read_from_a_version_on(store: Store) -> None:
    await store.append(noting("note-1", "a", "b", "c", "d"))
    read = await store.read_recorded("note-1", after_version=1, limit=2)
    assert [e.version for e in read] == [2, 3]


async def test_pages_continue_after_a_position(store: Store) -> None:
    await store.append(noting("note-1", *"abcdefg"))
    first = await store.page(0, 3)
    second = await store.page(first[-1].position, 3)
    assert [e.position for e in (*first, *second)] == [1, 2, 3, 4, 5, 6]


async def test_a_writer_with_an_old_version_is_refused(store: Store) -> None:
    await store.append(noting("note-1", "a", expected=0))
    with pytest.raises(StreamMovedOn) as refused:
        await store.append(noting("note-1", "b", expected=0))
    assert (refused.value.expected, refused.value.actual) == (0, 1)
    with pytest.raises(StreamMovedOn):
        await store.append(noting("note-1", "b", expected=7))
    assert await texts(store, "note-1") == ["a"]


async def test_of_writers_in_a_race_exactly_one_wins(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.append(noting("note-1", str(n), expected=0)) for n in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StreamMovedOn) for outcome in outcomes) == 19
    assert await store.head() == 1


async def test_a_key_counts_once(store: Store) -> None:
    first = await store.append(noting("note-1", "a", "b", key="k"))
    await store.append(noting("note-1", "c"))
    again = await store.append(noting("note-9", "other", key="k", expected=5))
    assert again == replace(first, duplicate=True)
    assert await texts(store, "note-1") == ["a", "b", "c"]
    assert (await store.read("note-9")).version == 0


async def test_many_commands_are_answered_one_by_one(store: Store) -> None:
    answers = await store.append_many(
        [
            noting("note-1", "a", "b", expected=0, key="k"),
            noting("note-1", "late", expected=0),
            noting("note-1", "again", key="k"),
            noting("note-2", "c", claims=("name:x",)),
            noting("note-3", "taken", claims=("name:x",)),
            noting("note-1", "d", expected=2),
        ]
    )
    assert answers[0] == Appended(position=2, version=2)
    assert isinstance(answers[1], StreamMovedOn)
    assert answers[1].actual == 2
    assert answers[2] == Appended(position=2, version=2, duplicate=True)
    assert answers[3] == Appended(position=3, version=1)
    assert isinstance(answers[4], AlreadyClaimed)
    assert (answers[4].claim, answers[4].holder) == ("name:x", "note-2")
    assert answers[5] == Appended(position=4, version=3)
    assert [e.position for e in await store.page(0, 9)] == [1, 2, 3, 4]


async def test_refused_commands_in_front_leave_the_others_whole(store: Store) -> None:
    answers = await store.append_many(
        [
            noting("note-1", "x", "y", "z", expected=3),
            noting("note-2", "a", "b"),
            noting("note-1", "c"),
        ]
    )
    assert isinstance(answers[0], StreamMovedOn)
    assert answers[1:] == [Appended(position=2, version=2), Appended(position=3, version=1)]
    assert await texts(store, "note-2") == ["a", "b"]
    assert await texts(store, "note-1") == ["c"]


async def test_a_claim_belongs_to_one_stream_until_released(store: Store) -> None:
    await store.append(noting("note-1", "a", claims=("name:x",)))
    await store.append(noting("note-1", "a again", claims=("name:x",)))
    with pytest.raises(AlreadyClaimed) as refused:
        await store.append(noting("note-2", "b", claims=("name:x", "name:y")))
    assert refused.value.holder == "note-1"
    await store.append(noting("note-3", "renamed", claims=("name:y",)))  # the refused took nothing
    await store.append(noting("note-1", "renamed", claims=("name:z",), releases=("name:x",)))
    await store.append(noting("note-2", "b", claims=("name:x",)))


async def test_a_command_may_take_over_what_it_releases(store: Store) -> None:
    await store.append(noting("note-1", "a", claims=("name:x",)))
    await store.append(noting("note-2", "b", claims=("name:x",), releases=("name:x",)))
    with pytest.raises(AlreadyClaimed) as refused:
        await store.append(noting("note-1", "c", claims=("name:x",)))
    assert refused.value.holder == "note-2"


async def test_instants_find_their_position(store: Store) -> None:
    assert await store.position_at(NOW) == 0
    for n in range(5):
        await store.append(noting("note-1", str(n)))
        await asyncio.sleep(0.002)
    events = await store.page(0, 10)
    assert [e.recorded_at for e in events] == sorted(e.recorded_at for e in events)
    for event in events:
        assert await store.position_at(event.recorded_at) == event.position
        just_before = event.recorded_at - timedelta(microseconds=1)
        assert await store.position_at(just_before) == event.position - 1
    assert await store.position_at(datetime.max.replace(tzinfo=UTC)) == 5


async def test_the_digest_is_the_formula_of_the_contract(store: Store) -> None:
    await store.append(noting("note-1", "a\0", "b"))
    await store.append(noting("note-2", "ü"))
    previous = bytes(32)
    for event in await store.page(0, 10):
        assert isinstance(event.event, Noted)
        content = rfc8785.dumps(
            {
                "stream": event.stream,
                "type": "Noted",
                "schema": 1,
                "data": {"text": event.event.text, "number": 0},
                "metadata": {
                    "actor": {"kind": "service", "name": "tests"},
                    "correlation_id": "c-1",
                    "occurred_at": "2026-03-01T12:30:15.123456Z",
                },
            }
        )
        since = event.recorded_at - datetime(1970, 1, 1, tzinfo=UTC)
        micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        numbers = (event.position, event.version, micros)
        previous = hashlib.sha256(
            previous
            + b"".join(number.to_bytes(8, "big") for number in numbers)
            + hashlib.sha256(content).digest()
        ).digest()
        assert event.digest == previous.hex()


async def test_subscribers_get_everything_in_order_without_repeats(store: Store) -> None:
    await store.append(noting("note-1", "early", "early too"))

    async def first(count: int) -> list[Recorded[Event]]:
        seen: list[Recorded[Event]] = []
        async for page in store.subscribe(1):
            seen.extend(page)
            if len(seen) >= count:
                break
        return seen

    readers = [asyncio.create_task(first(41)) for _ in range(3)]
    for n in range(10):
        await asyncio.gather(*(store.append(noting(f"note-{m}", str(n))) for m in range(4)))
    for reader in readers:
        seen = await asyncio.wait_for(reader, timeout=10)
        assert [e.position for e in seen] == list(range(2, 43))


async def test_a_subscriber_may_ask_for_some_types_only(store: Store) -> None:
    some = Append(
        stream="everything-1",
        events=[EVERYTHING],
        metadata=Metadata(actor=Actor(kind="system", name="test"), correlation_id="c-1"),
        occurred_at=NOW,
        expected=None,
    )
    await store.append(noting("note-1", "before"))
    await store.append(some)
    pages = store.subscribe(0, types=[EVERYTHING.TYPE])
    (first,) = await asyncio.wait_for(anext(pages), timeout=10)
    coming = asyncio.ensure_future(anext(pages))
    await store.append(noting("note-1", "between"))
    await store.append(some)
    (second,) = await asyncio.wait_for(coming, timeout=10)
    assert (first.position, second.position) == (2, 4)


async def test_an_erased_person_is_gone_from_all_history(store: Store) -> None:
    personal = Metadata(
        actor=Actor(kind="user", name=Personal("account:1", "ada")), correlation_id="c"
    )
    await store.append(noting("note-1", "a", metadata=personal))
    before = [e.digest for e in await store.page(0, 10)]
    assert await store.erase("account:1") == 1
    (event,) = await store.page(0, 10)
    assert isinstance(event.metadata.actor.name, Personal)
    assert event.metadata.actor.name.subject == "account:1"
    assert event.metadata.actor.name.value is None
    assert [event.digest] == before
    await store.append(noting("note-1", "back again", metadata=personal))
    _, event = await store.page(0, 10)
    assert event.metadata == personal


async def test_half_a_surrogate_pair_is_replaced(store: Store) -> None:
    await store.append(noting("note-1", "a\ud800b", "\ud83d\ude00"))
    assert await texts(store, "note-1") == ["a\ufffdb", "\U0001f600"]


async def test_what_cannot_be_stored_is_refused_alone(store: Store) -> None:
    def with_number(number: object) -> Append:
        event = Noted(text="x", number=number)  # type: ignore[arg-type]  # the point of the test
        return replace(noting("note-1", "x"), events=[event])

    answers = await store.append_many(
        [
            with_number(2**53 - 1),
            with_number(2**53),
            with_number(0.5),
            with_number("7"),
            replace(noting("note-1"), events=[]),
            noting("note-2", "fine"),
        ]
    )
    refused = [isinstance(answer, Unstorable) for answer in answers]
    assert refused == [False, True, True, True, True, False]
    assert await store.head() == 2


async def test_every_refusal_is_an_error_of_ours(store: Store) -> None:
    await store.append(noting("note-1", "a"))
    with pytest.raises(LedgerError):
        await store.append(noting("note-1", "b", expected=0))


async def test_commands_together_are_all_written_or_none(store: Store) -> None:
    await store.append(noting("note-1", "a", claims=("name:one",)))
    head = await store.head()
    keyed = replace(noting("note-9", "imported"), key="import-1")
    fits = [noting("note-2", "b", expected=0), noting("note-1", "c", expected=1)]
    refused: list[tuple[list[Append], dict[str, int], type[LedgerError]]] = [
        ([*fits, noting("note-1", "d", expected=1), keyed], {}, StreamMovedOn),
        ([*fits, noting("note-3", "d", claims=("name:one",)), keyed], {}, AlreadyClaimed),
        ([*fits, keyed], {"note-1": 0}, StreamMovedOn),
        ([*fits, keyed], {"note-4": 1}, StreamMovedOn),
    ]
    for commands, still, error in refused:
        with pytest.raises(error):
            await store.append_together(commands, still=still)
        assert await store.head() == head
        assert await texts(store, "note-2") == []
    done = await store.append_together([*fits, keyed], still={"note-1": 1, "note-4": 0})
    assert done == Appended(position=head + 3, version=1)
    assert [await texts(store, f"note-{n}") for n in (1, 2, 9)] == [["a", "c"], ["b"], ["imported"]]
    again = await store.append_together([*fits, keyed])
    assert again == Appended(position=head + 3, version=1, duplicate=True)
    assert await store.head() == head + 3


async def test_a_claim_may_pass_from_one_to_another_of_the_commands(store: Store) -> None:
    await store.append(noting("note-1", "a", claims=("name:one",)))
    giving = replace(noting("note-1", "b"), releases=("name:one",))
    await store.append_together([giving, noting("note-2", "c", claims=("name:one",))])
    with pytest.raises(AlreadyClaimed):
        await store.append(noting("note-1", "d", claims=("name:one",)))


async def test_more_commands_than_a_batch_are_still_one_append(store: Store) -> None:
    many = [noting(f"note-{n}", "x", expected=0, claims=(f"name:{n}",)) for n in range(1, 451)]
    with pytest.raises(StreamMovedOn):
        await store.append_together([*many, noting("note-1", "y", expected=0)])
    assert await store.head() == 0
    assert (await store.append_together(many)).position == 450
    assert (await store.read("note-450")).version == 1
