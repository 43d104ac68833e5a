"""The monthly reports. Measure: peers/zammad.md §3."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from tests.support.zammad_world import ONE_LOOP, Served, board, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

LOG = "/time_accounting/log"


@pytest.fixture
def booked(zammad: Served) -> Served:
    """Emma 0.75 and Ada 1.00 on ticket 1, Emma 2 on a ticket without organization; one in June."""
    state, company = zammad.state, zammad.company
    lonely = state.add_customer("lonely@example.com", firstname="Lo", lastname="Nely")
    second = state.add_ticket(title="B", group_id=1, customer_id=lonely.id)
    june = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    state.book(1, "5", by=company.emma.id, at=june)
    state.book(1, "0.75", type_id=1, by=company.emma.id)
    state.book(1, "1", by=company.ada.id)
    state.book(second.id, "2", by=company.emma.id)
    return zammad


async def test_by_activity_lists_every_entry_without_its_id(booked: Served) -> None:
    rows = (await booked.as_("ROBOT").get(f"{LOG}/by_activity/2026/7")).json()
    assert [row["time_unit"] for row in rows] == ["0.75", "1.0", "2.0"]
    assert set(rows[0]) == {
        "ticket",
        "time_unit",
        "customer",
        "organization",
        "agent",
        "created_at",
    }
    assert rows[0]["ticket"]["number"] == "10001"
    assert rows[0]["customer"] == "Emily Adams"
    assert rows[0]["organization"] == "Awesome Customer Inc."
    assert rows[0]["agent"] == "Emma Taylor"
    assert rows[0]["created_at"] == "2026-07-01T08:00:00.000Z"
    assert rows[2]["organization"] == "-"


async def test_by_activity_names_the_type_when_types_are_on(booked: Served) -> None:
    booked.state.set_setting("time_accounting_types", True)
    rows = (await booked.as_("ROBOT").get(f"{LOG}/by_activity/2026/07")).json()
    assert [row["type"] for row in rows] == ["Support", "-", "-"]


async def test_by_ticket_sums_and_names_the_first_entrys_creator(booked: Served) -> None:
    rows = (await booked.as_("ROBOT").get(f"{LOG}/by_ticket/2026/7")).json()
    assert [(row["ticket"]["id"], row["time_unit"], row["agent"]) for row in rows] == [
        (1, "1.75", "Emma Taylor"),
        (2, "2.0", "Emma Taylor"),
    ]


async def test_by_customer_and_by_organization_sum(booked: Served) -> None:
    robot = booked.as_("ROBOT")
    rows = (await robot.get(f"{LOG}/by_customer/2026/7")).json()
    assert [(row["customer"]["login"], row["time_unit"]) for row in rows] == [
        ("emily@example.com", "1.75"),
        ("lonely@example.com", "2.0"),
    ]
    assert rows[0]["organization"]["name"] == "Awesome Customer Inc."
    assert rows[1]["organization"] is None
    rows = (await robot.get(f"{LOG}/by_organization/2026/7")).json()
    assert [(row["organization"]["name"], row["time_unit"]) for row in rows] == [
        ("Awesome Customer Inc.", "1.75")
    ]


async def test_limit_keeps_the_last_rows(booked: Served) -> None:
    rows = (await booked.as_("ROBOT").get(f"{LOG}/by_activity/2026/7?limit=2")).json()
    assert [row["time_unit"] for row in rows] == ["1.0", "2.0"]


async def test_a_month_follows_the_default_zone_since_7_0_only(booked: Served) -> None:
    booked.state.set_setting("timezone_default", "Europe/Berlin")
    robot = booked.as_("ROBOT")
    july = (await robot.get(f"{LOG}/by_activity/2026/7")).json()
    assert [row["time_unit"] for row in july] == ["5.0", "0.75", "1.0", "2.0"]
    booked.state.version = "6.5.2"
    july = (await robot.get(f"{LOG}/by_activity/2026/7")).json()
    assert [row["time_unit"] for row in july] == ["0.75", "1.0", "2.0"]


async def test_december_ends_with_the_year(booked: Served) -> None:
    robot = booked.as_("ROBOT")
    assert (await robot.get(f"{LOG}/by_activity/2026/12")).json() == []
    assert (await robot.get(f"{LOG}/by_activity/2026/13")).status_code == 422


async def test_customer_and_organization_are_read_now(booked: Served) -> None:
    booked.state.change_user(booked.company.emily.id, organization_id=booked.company.other.id)
    rows = (await booked.as_("ROBOT").get(f"{LOG}/by_organization/2026/7")).json()
    assert [row["organization"]["name"] for row in rows] == ["Other Ltd."]


async def test_a_download_is_a_spreadsheet(booked: Served) -> None:
    answer = await booked.as_("ROBOT").get(f"{LOG}/by_ticket/2026/7?download=true&timezone=UTC")
    assert "spreadsheetml" in answer.headers["Content-Type"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "10001" in sheet
    assert "1.75" in sheet
