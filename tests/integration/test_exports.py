"""Entries as a file, over real HTTP: with the filters of the list, in bounded memory."""

import asyncio
import csv
import io
import json
import tracemalloc

from adapters.postgres.exports import AT_ONCE, PAGE
from adapters.postgres.read_models import EntryFilter
from tests.support.service import running_service
from tests.support.two_peers import RANGE, connect, two_peers

PATH = "/api/v1/entries"
FILL = """
INSERT INTO time_entries (log_id, entry_id, valid_from, version, connector_id, source_id, state,
                          vanished, entry_date, updated_at, facts, ticket_number, description)
SELECT 1, 10000000000 + n, n, 1, 1, n, 'synced', false, date '2026-01-01' + n % 300, now(),
       '{"standing": {}, "observed_at": "2026-01-01T00:00:00Z"}', '100' || n, repeat('x', 200)
  FROM generate_series(1, $1) AS n
"""


async def test_a_file_has_what_the_list_has(migrated: str) -> None:
    async with two_peers(20) as peers, running_service(migrated) as service:
        await connect(service, peers)
        await service.http.post("/api/v1/sync/run", json=RANGE)
        http = service.http
        for query in (
            "state=synced&sort=minutes",
            "state=pending&state=conflict",
            f"user={next(iter(peers.zammad.users)).lastname}&sort=-updated_at",
            "start_date=2026-11-01&end_date=2026-11-10&sort=ticket",
            "q=nothing+at+all",
            "run_id=1",
        ):
            listed = (await http.get(f"{PATH}?limit=200&{query}")).json()["items"]
            told = await http.get(f"{PATH}/export?format=json&{query}")
            assert told.json() == listed, query
            lines = (await http.get(f"{PATH}/export?format=ndjson&{query}")).text.splitlines()
            assert [json.loads(line) for line in lines] == listed
        answer = await http.get(f"{PATH}/export")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="entries.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
        listed = (await http.get(f"{PATH}?limit=200")).json()["items"]
        assert [int(row["id"]) for row in rows] == [item["id"] for item in listed]
        assert [row["time_minutes"] for row in rows] == [
            str(item["time_minutes"]) for item in listed
        ]
        head = await service.own.store.head()
        past = await http.get(f"{PATH}/export?format=json&as_of=position:{head}")
        assert (past.json(), past.headers["X-As-Of-Position"]) == (listed, str(head))
        assert (await http.get(f"{PATH}/export?format=json&as_of=position:1")).json() == []
        for wrong in ("format=xml", "sort=colour", "state=lost", "start_date=tomorrow"):
            assert (await http.get(f"{PATH}/export?{wrong}")).status_code == 422
        assert (await http.get(f"{PATH}/export?format=json&q=%00")).json() == []
        assert (await http.get(f"{PATH}/7")).status_code == 404


async def test_a_long_file_takes_no_more_memory_than_some_pages(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.own.store.pool.execute(FILL, 20 * PAGE)
        exports = service.own.exports
        tracemalloc.start()
        rows = 0
        async for page in exports.entries(EntryFilter(), sort="entry_date"):
            rows += len(page)
        _, streamed = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        kept = [page async for page in exports.entries(EntryFilter(), sort="entry_date")]
        _, whole = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert rows == sum(map(len, kept)) == 20 * PAGE
        assert streamed < whole / 3


async def test_readers_that_stop_give_their_sessions_back(migrated: str) -> None:
    async with running_service(migrated) as service:
        await service.own.store.pool.execute(FILL, 5 * PAGE)
        for _ in range(2 * AT_ONCE):
            async with service.http.stream("GET", f"{PATH}/export") as answer:
                async for _ in answer.aiter_bytes():
                    break
        async with asyncio.timeout(20):
            whole = await service.http.get(f"{PATH}/export?format=ndjson")
        assert len(whole.text.splitlines()) == 5 * PAGE
