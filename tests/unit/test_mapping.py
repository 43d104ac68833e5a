"""The rules of a mapping row."""

from dataclasses import replace

import pytest

from domain.change import Change, PersonalChange
from domain.ids import MappingId
from domain.mapping.decide import MAPPING, AddRow, AnySet, ChangeRow, RemoveRow, holds
from domain.mapping.events import (
    MappingRemoved,
    MappingSet,
    ProjectMappingRemoved,
    ProjectMappingSet,
    UserMappingRemoved,
    UserMappingSet,
)
from domain.numbering import NumberTaken
from domain.personal import Personal
from tests.support.given import given

ONE = MappingId(1)
ACTIVITY = MappingSet(
    mapping_id=ONE,
    zammad_type_id=4,
    zammad_type_name="Support",
    kimai_activity_id=2,
    kimai_activity_name="Support",
    is_active=True,
    billable=None,
)
NO_TYPE = replace(ACTIVITY, zammad_type_id=None)
EMMA = Personal("zammad-user:5", "Emma")
PERSON = UserMappingSet(
    mapping_id=ONE,
    zammad_user_id=5,
    zammad_user_name=EMMA,
    zammad_user_email=None,
    kimai_user_id=3,
    kimai_user_name=None,
    is_active=True,
    origin="manual",
)
PROJECT = ProjectMappingSet(
    mapping_id=ONE,
    source_kind="organization",
    source_id=7,
    source_name="ACME",
    customer_name=None,
    kimai_customer_id=None,
    kimai_project_id=9,
    is_active=True,
)


def test_a_row_is_added_once() -> None:
    given(MAPPING).when(AddRow(row=ACTIVITY)).then(ACTIVITY)
    with pytest.raises(NumberTaken):
        _ = given(MAPPING, ACTIVITY).when(AddRow(row=ACTIVITY)).events


def test_a_change_says_what_differs() -> None:
    billable = ChangeRow(fields={"billable": True, "is_active": True})
    expected = replace(
        ACTIVITY, billable=True, changes=(Change(field="billable", old=None, new=True),)
    )
    given(MAPPING, ACTIVITY).when(billable).then(expected).when(billable).then()


def test_the_change_of_a_name_is_personal() -> None:
    other = Personal("zammad-user:5", "Emma Taylor")
    changed = given(MAPPING, PERSON).when(ChangeRow(fields={"zammad_user_name": other}))
    (event,) = changed.events
    assert isinstance(event, UserMappingSet)
    assert event.changes == ()
    assert event.personal_changes == (
        PersonalChange(field="zammad_user_name", old=EMMA, new=other),
    )


@pytest.mark.parametrize(
    ("row", "removed", "claim"),
    [
        (ACTIVITY, MappingRemoved(mapping_id=ONE), "active-mapping:4"),
        (
            replace(ACTIVITY, zammad_type_id=None),
            MappingRemoved(mapping_id=ONE),
            "active-mapping:none",
        ),
        (PERSON, UserMappingRemoved(mapping_id=ONE), "active-user-mapping:5"),
        (
            PROJECT,
            ProjectMappingRemoved(mapping_id=ONE),
            "active-project-mapping:organization:7",
        ),
    ],
)
def test_an_active_row_holds_its_source_until_it_is_removed(
    row: AnySet, removed: MappingRemoved, claim: str
) -> None:
    stream = given(MAPPING, row)
    assert holds(stream.state) == {claim}
    assert holds(given(MAPPING, replace(row, is_active=False)).state) == frozenset()
    gone = stream.when(RemoveRow()).then(removed)
    assert holds(gone.state) == frozenset()
    gone.when(RemoveRow()).then_refused("not_found")
    gone.when(ChangeRow(fields={})).then_refused("not_found")


def test_a_version_that_moved_on_is_refused() -> None:
    stream = given(MAPPING, ACTIVITY, replace(ACTIVITY, billable=True))
    stream.when(ChangeRow(fields={"billable": False}, expected=1)).then_refused("stale_version")
    stream.when(RemoveRow(expected=1)).then_refused("stale_version")
    stream.when(RemoveRow(expected=2)).then_types(MappingRemoved)


def test_a_project_mapping_keeps_at_least_one_target() -> None:
    stream = given(MAPPING, PROJECT)
    stream.when(ChangeRow(fields={"kimai_project_id": None})).then_refused("validation")
    moved = ChangeRow(fields={"kimai_project_id": None, "kimai_customer_id": 4})
    stream.when(moved).then_types(ProjectMappingSet)
