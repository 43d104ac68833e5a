"""The contract's words against the code that has them: events, columns, states, ops, settings."""

import re
from dataclasses import fields
from enum import StrEnum

from api.import_kinds import KINDS
from api.routes import audit, events, sync
from api.routes.reconcile import SYNONYMS
from domain.catalogue import ALL
from domain.connector.settings import KimaiSettings, ZammadSettings
from domain.rules import row_ops
from domain.rules.row_ops import Op
from domain.schedule.decide import Schedule
from projections import frames, kpi, sync_runs, time_entries
from projections.audit_log import ACTIONS
from tests.support import contract
from tests.support import contract_sections as sections
from tests.support.contract_sections import CODE
from tests.support.operations import COMPONENTS, leaves, lines, referred
from tests.unit.test_contract import every_promise, text
from tests.unit.test_frames import CLOSED, OPENED, moment, recorded
from tests.unit.test_kpi import NOW, TODAY, figures

__all__ = ["text"]  # the fixture

# Ours, beyond the contract.
ADDED_EVENTS = """
EntryNetted
EntryReduced
EntryUnreadable
PlanBegun
PlanFailed
PlanRequested
PlanRowsListed
SlotFreed
SlotTaken
SyncRunProgressed
TargetItemCreated
TargetItemFound
TargetItemIntended
TargetItemRefused
TargetItemUncertain
TargetItemUnsent
TargetNamed
TimesheetWriteUnsent
WaitingDecided
WebhookDeliveryRepeated
"""
ADDED_SETTINGS = {
    "Zammad setting": "accept_webhooks\nconcurrent_requests\nrequests_per_second",
    "Kimai setting": "concurrent_requests\ndelete_limit\ndelete_limit_percent\nrequests_per_second",
}


def test_files_have_the_contracts_columns(text: str) -> None:
    promised = {row.routes: row.columns for row in contract.promises(text) if row.columns}
    assert promised == {
        ("GET /mappings/export",): KINDS["activities"].columns.names,
        ("GET /sync/runs/export",): sync.COLUMNS,
        ("GET /audit-logs/export",): audit.COLUMNS,
    }
    assert f'{{format: "{events.FORMAT}", from, to, previous_digest}}' in text


def test_events_are_the_contracts(text: str) -> None:
    promised = sections.actions(text)
    known = {event.TYPE for event in ALL}
    assert known - promised.keys() == lines(ADDED_EVENTS)
    named = {event for row in every_promise(text) for event in row.events}
    assert named <= known
    assert len(named) > 35


def test_events_have_the_contracts_audit_actions(text: str) -> None:
    ours = {event.TYPE: () for event in ALL} | {
        event.TYPE: (action,) if isinstance(action, str) else action
        for event, action in ACTIONS.items()
    }
    promised = sections.actions(text)
    assert promised == {event: ours.get(event, ()) for event in promised}
    assert {event for event in ours.keys() - promised if ours[event]} == {"WaitingDecided"}


def words(name: str, field: str = "") -> set[str]:
    """Those of a component, or of one of its fields, or of what that holds."""
    shape = COMPONENTS[name]
    shape = shape["properties"][field] if field else shape
    every = [each for one in leaves(shape) for each in (one, *leaves(one.get("items", {})))]
    return {word for each in every for word in each.get("enum", ())}


def test_words_are_the_contracts(text: str) -> None:
    states = sections.column(text, "`state`")
    statuses = sections.column(text, "`state`", "`sync_status`")
    assert dict(zip(states, statuses, strict=True)) == time_entries.SYNC_STATUS
    assert set(states) == words("EntryOut", "state")
    assert set(statuses) == words("EntryOut", "sync_status")
    assert sections.statuses(text) == sync_runs.STATUS_OF
    assert sync_runs.STATUS_OF.keys() == words("SyncRunOut", "state")
    trigger = sections.rule(text, "`SyncRun`", "`trigger_type`")
    assert set("|".join(trigger).split("|")) == words("SyncRunOut", "trigger_type")
    assert set(sections.column(text, "Reason code")) == words("ReasonCode")
    kinds = sections.listed(text, "`conflict_type` is ")
    assert set(kinds) == words("ConflictOut", "conflict_type")
    steps = sections.listed(text, "`step` in order: ")
    assert steps == referred(COMPONENTS["StepOut"]["properties"]["step"])["enum"]
    told = sections.listed(text, "does not know it; events: ", " |")
    assert set(told) == words("ChannelOut", "events")
    compared = sections.listed(text, "`kind?` (", ")")
    assert set(compared) == words("DiffItem", "kind")


def test_ops_are_the_contracts(text: str) -> None:
    ops = [Op(CODE.findall(row["op"])[0]) for row in contract.rows(text, "op")]
    for row, op in zip(contract.rows(text, "op"), ops, strict=True):
        status, *only = CODE.findall(row["For status"])
        assert only or op in row_ops.OFFERED[row_ops.Status(status)], op
        assert SYNONYMS[CODE.findall(row["`resolution_action`"])[0]] is op
    assert set(ops) == words("DiffItemOut", "allowedOps")
    assert words("RowOp", "op") == SYNONYMS.keys()


def test_reasons_hold_back_what_the_contract_says(text: str) -> None:
    said = {"always": set[str](), "never": set[str](), "once": set[str]()}
    for row in contract.rows(text, "Reason code"):
        allowed = re.split(r"\W", row["`create`/`update` allowed once"])[0]
        said[allowed if allowed in said else "once"] |= set(CODE.findall(row["Reason code"]))
    assert set().union(*said.values()) == words("ReasonCode")
    assert said["never"] == row_ops.NEVER.keys()
    assert said["once"] - {"SOURCE_DELETED"} == row_ops.ONCE.keys()  # while exported: any reason


def test_the_normalised_entry_is_the_contracts(text: str) -> None:
    (names,) = sections.listed(text, "hold the normalised entry:\n", ".")
    assert set(names.split(", ")) == COMPONENTS["NormalisedEntry"]["properties"].keys()


def test_settings_are_the_contracts(text: str) -> None:
    for head, ours in (("Zammad setting", ZammadSettings), ("Kimai setting", KimaiSettings)):
        named = set(sections.column(text, head)) - {"webhook_secret"}  # kept with the tokens
        assert {each.name for each in fields(ours)} - named == lines(ADDED_SETTINGS[head])
        assert named <= {each.name for each in fields(ours)}


def test_frames_are_the_contracts(text: str) -> None:
    promised = sections.frames(text)
    assert promised.keys() == set(frames.KINDS)
    page = [recorded(7, OPENED), recorded(8, CLOSED)]
    places = frames.wanted(page).all
    moments = {place: moment(place[1]) for place in places}
    made = {each.kind: each.data.keys() for each in frames.frames(page, moments, {})}
    made["kpi"] = kpi.headline(figures(), now=NOW, today=TODAY).keys()
    assert len(made) == 4  # a run's, a delivery's and the head's are not made here
    assert made.items() <= promised.items()


def test_choices_of_settings_are_the_contracts(text: str) -> None:
    for head, ours in (("Zammad setting", ZammadSettings), ("Kimai setting", KimaiSettings)):
        defaults = {each.name: each.default for each in fields(ours)}
        for names, said in sections.choices(text, head):
            chosen = [each for name in names if isinstance(each := defaults.get(name), StrEnum)]
            assert said == [(list(type(each)), each) for each in chosen], names


def test_the_schedule_is_first_as_the_contract_says(text: str) -> None:
    said = {each.name: each.kind.words for each in sections.definitions(text)["Schedule"].fields}
    assert said["cron"] == {Schedule().cron}
    assert said["timezone"] == {Schedule().timezone}


COMPARISONS = [value for name, value in globals().items() if name.startswith("test_")]
