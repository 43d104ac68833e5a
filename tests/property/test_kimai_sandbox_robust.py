"""Whatever is sent, the Kimai sandbox answers as Kimai could; it never trips over itself."""

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.kimai_sandbox import sandbox

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["2026-11-02T09:00:00", "2026-11-02T10:00", "2026-11-02", "Europe/Berlin", "1", "month",
         "0:30", "#fff", "ROLE_ADMIN", "a@b.c", "all", "1h", "2026-10-25T02:30:00+02:00"]
    ),
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "begin",
        "end",
        "project",
        "activity",
        "description",
        "tags",
        "user",
        "exported",
        "billable",
        "fixedRate",
        "hourly_rate",
        "break",
        "name",
        "number",
        "customer",
        "start",
        "orderDate",
        "teams",
        "color",
        "budget",
        "timeBudget",
        "budgetType",
        "visible",
        "members",
        "country",
        "currency",
        "timezone",
        "username",
        "email",
        "roles",
        "plainPassword",
        "language",
        "supervisor",
        "value",
        "copy",
        "foo",
    ]
)
BODIES = st.dictionaries(
    NAMES,
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(NAMES, SCALARS, max_size=3)),
    max_size=8,
)
TABLES = st.sampled_from(
    ["timesheets", "customers", "projects", "activities", "tags", "teams", "users"]
)
TAILS = st.sampled_from(["", "/1", "/2", "/99", "/1/meta", "/1/restart", "/1/duplicate", "/1/stop",
                         "/1/export", "/me", "/recent", "/active", "/find"])  # fmt: skip
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "user",
            "users[]",
            "project",
            "projects[]",
            "customer",
            "activity",
            "tags[]",
            "page",
            "size",
            "order",
            "orderBy",
            "begin",
            "end",
            "modified_after",
            "exported",
            "active",
            "billable",
            "full",
            "term",
            "visible",
            "name",
            "ignoreDates",
            "globals",
            "from",
            "to",
        ]
    ),
    SCALARS.map(str),
    max_size=3,
)
CALL = st.tuples(
    st.sampled_from(["admin", "lead", "anna", "bob"]),
    st.sampled_from(["GET", "GET", "POST", "POST", "PATCH", "PATCH", "DELETE"]),
    TABLES,
    TAILS,
    QUERIES,
    BODIES,
)
Call = tuple[str, str, str, str, dict[str, str], dict[str, Any]]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=st.lists(CALL, min_size=5, max_size=25))
def test_no_sequence_of_requests_breaks_the_sandbox(
    caplog: pytest.LogCaptureFixture, calls: list[Call]
) -> None:
    caplog.set_level(logging.ERROR, "adapters.sandbox.kimai.app")
    asyncio.run(_play(calls))
    assert [record.getMessage() for record in caplog.records] == []


async def _play(calls: list[Call]) -> None:
    async with sandbox() as kimai:
        await kimai.post("anna", "2026-11-02T09:00:00", "2026-11-02T10:00:00")
        for who, method, table, tail, query, body in calls:
            sent = None if method == "GET" else body
            answer = await kimai.ask(who, method, f"/{table}{tail}", sent, params=query)
            assert answer.status_code in {200, 204, 400, 403, 404, 405, 500}
            if answer.status_code not in {204, 301}:
                answer.json()
