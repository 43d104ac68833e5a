"""What is recorded of the names of Kimai's projects and activities."""

from domain.ids import ConnectorId
from domain.personal import Personal
from domain.ports.timesheets import TargetItem
from domain.target_names.events import NamedKind
from domain.target_names.naming import Known, news

KIMAI = ConnectorId(2)
SUPPORT = TargetItem(item_id=1, name="Support", active=True, parent_id=7)
TRAVEL = TargetItem(item_id=2, name="Travel", active=True, parent_id=7)


def learnt(*items: TargetItem, booked: set[int], known: Known) -> list[tuple[int, str | None]]:
    found = news(KIMAI, NamedKind.PROJECT, items, booked=booked, known=known)
    return [(each.item_id, each.name) for each in found]


def test_what_nothing_is_booked_on_is_not_recorded() -> None:
    assert learnt(SUPPORT, TRAVEL, booked={1}, known={}) == [(1, "Support")]


def test_what_is_known_is_recorded_again_only_under_another_name_or_parent() -> None:
    assert learnt(SUPPORT, booked={1}, known={1: ("Support", 7)}) == []
    assert learnt(SUPPORT, booked=set(), known={1: ("Help", 7)}) == [(1, "Support")]
    assert learnt(SUPPORT, booked=set(), known={1: ("Support", 8)}) == [(1, "Support")]


def test_what_is_gone_keeps_its_name() -> None:
    assert learnt(TRAVEL, booked={1}, known={1: ("Support", 7)}) == []


def test_the_project_of_a_person_is_called_like_that_person() -> None:
    hers = TargetItem(item_id=3, name="Nora Blom", active=True, parent_id=9, number="ZU8")
    (event,) = news(KIMAI, NamedKind.PROJECT, [hers], booked={3}, known={})
    assert (event.name, event.personal) == (None, Personal("customer:8", "Nora Blom"))
    assert event.personal is not None
    assert event.personal.value == "Nora Blom"


def test_who_was_erased_is_not_named_again() -> None:
    hers = TargetItem(item_id=3, name="Nora Blom", active=True, parent_id=9, number="ZU8")
    assert learnt(hers, booked={3}, known={3: (None, 9)}) == []
