"""The contract against the service: its document, and its words where the document has none.

What is not compared: which of the codes of a status a route answers, and which events it appends
(the document says neither); rules in prose, which are what tests of behaviour are about.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.problems import STATUS
from tests.support import contract
from tests.support import contract_sections as sections
from tests.support.contract import Answer, Promise
from tests.support.contract_asides import ASIDES
from tests.support.contract_forms import Field, Kind
from tests.support.operations import (
    COMPONENTS,
    OPERATIONS,
    Shape,
    answered,
    bodies,
    component,
    differs,
    faults,
    leaves,
    lines,
    queries,
    role,
)

CONTRACT = Path(__file__).parents[3] / "shared" / "contract.md"

# What the contract's blocks of JSON show, in order.
EXAMPLES = ("Problem", "SyncRunOut", "KpiOut", "EntryOut", "HistoryItem", "DiffItemOut")

# Ours, beyond the contract (docs/decisions 0012 and 0014).
ADDED = """
GET /audit/compare
GET /connectors/{}/health/history
GET /entries/export
GET /events/activity
GET /mappings/usage
POST /audit/compare
POST /connectors/{}/resume
POST /connectors/{}/webhook/test
POST /entries/{}/adopt
POST /mappings/preview
POST /mappings/projects/preview
POST /mappings/users/preview
POST /reconcile/row/{}/undo
"""
ADDED_CODES: set[tuple[int, str]] = set()
IN_TWO_STATUSES = {(403, "bad_credentials")}  # beside its 401, which `STATUS` has

FILES = ("GET /audit/proof",)  # lines of text, which the document does not describe

# Of a family with a past, but what a peer says now; and ours that have a past too.
WITHOUT_PAST = """
GET /connectors/{}/activities
GET /connectors/{}/customers
GET /connectors/{}/health
GET /connectors/{}/projects
GET /connectors/{}/users
"""
WITH_PAST_TOO = """
GET /dead-letters
GET /webhook/deliveries
"""

# Where what is sent may be more, and what is answered less, than the contract's text says.
KNOWN_BODIES = """
POST /connectors.api_token: may be left out
POST /connectors/test.api_token: may be left out
POST /connectors/test.base_url: may be left out
POST /connectors/test.id: may be left out
POST /connectors/test.type: may be left out
POST /dead-letters/retry.filter: ['object'] is ['null', 'object']
POST /dead-letters/retry.filter: may be left out
POST /dead-letters/retry.ids: may be left out
POST /mappings.zammad_type_id: may be null
POST /notifications.url: may be left out
"""
KNOWN_ANSWERS = """
GET /api/ready 200.head_position: may be null
GET /api/ready 503.head_position: may be null
GET /connectors/{}/health 200.checked_at: may be null
GET /connectors/{}/health 200.latency_ms: may be null
GET /connectors/{}/health 200.peer_version: may be null
GET /connectors/{}/health 200.webhook.last_delivery_at: may be null
GET /connectors/{}/projects 200[].customer_id: may be null
GET /connectors/{}/projects 200[].customer_name: may be null
GET /connectors/{}/users 200[].email: may be null
GET /connectors/{}/users 200[].username: may be null
GET /diff 200.from.at: may be null
GET /diff 200.to.at: may be null
GET /entries/{}/explain 200.steps[].input: may be null
GET /entries/{}/explain 200.steps[].output: may be null
GET /mappings/suggestions 200.items[].source.id: may be null
GET /reconcile/row/{} 200.base: may be null
GET /reconcile/row/{} 200.source: may be null
GET /reconcile/row/{} 200.target: may be null
GET /reconcile/row/{}/preview 200.requests[].body: may be null
GET /sync/runs/{}/entries 200.items[].minutes: may be null
GET /sync/runs/{}/entries 200.items[].ticket_number: may be null
POST /connectors/test 200.details.peer_version: may be null
POST /connectors/test 200.details.time_unit_declared: may be null
POST /connectors/test 200.details.user: may be null
POST /connectors/validate 200.details.peer_version: may be null
POST /connectors/validate 200.details.time_unit_declared: may be null
POST /connectors/validate 200.details.user: may be null
POST /mappings/import 200.rows[].kimai_activity_id: may be null
POST /mappings/import 200.rows[].row: may be null
POST /mappings/import 200.rows[].zammad_type_id: may be null
POST /sync/plans/{}/apply 202.run_id: may be null
POST /sync/run 202.run_id: may be null
"""
KNOWN_OBJECTS = """
Conflict.kimai_data: may be null
Conflict.zammad_data: may be null
Event.metadata.actor: is not there
Event.metadata.causation_position: is not there
Event.metadata.correlation_id: is not there
Event.metadata.ip_address: is not there
Event.metadata.request_id: is not there
Event.metadata.run_id: is not there
Event.metadata.user_agent: is not there
Event.metadata: ['object'] is ['']
Plan.digest: ['string'] is ['null', 'string']
Plan.end_date: may be null
Plan.expires_at: may be null
Plan.start_date: may be null
row.after: may be null
row.before: may be null
row.minutes: may be null
row.request.body: may be null
row.ticket_number: may be null
row.user: may be null
"""


@pytest.fixture(scope="module")
def text() -> str:
    if not CONTRACT.is_file() and "CI" not in os.environ:
        pytest.skip("contract.md lies beside the repository, and not in a copy of it alone")
    return CONTRACT.read_text(encoding="utf-8")


def every_promise(text: str) -> list[Promise]:
    return [*contract.promises(text), *sections.in_sentences(text)]


def test_all_that_the_tables_of_routes_say_is_read_or_a_known_aside(text: str) -> None:
    assert {aside for row in contract.promises(text) for aside in row.asides} == ASIDES


def test_the_document_has_the_contracts_routes(text: str) -> None:
    promised = {route for row in every_promise(text) for route in row.routes}
    assert not promised - set(OPERATIONS)
    assert set(OPERATIONS) - promised == lines(ADDED)


def test_each_route_is_for_the_contracts_role(text: str) -> None:
    for row in every_promise(text):
        for route in row.routes:
            assert role(OPERATIONS[route]) == role_of(row, route), route


def role_of(row: Promise, route: str) -> str:
    if row.role != contract.AS_ABOVE:
        return row.role
    return "viewer" if route.startswith("GET") else "admin"


def test_each_route_takes_the_contracts_query(text: str) -> None:
    """Its names with their defaults, words and bounds; what it takes beyond may be left out."""
    compared = 0
    for row in every_promise(text):
        asked = {route: queries(OPERATIONS[route]) for route in row.routes}
        for query in row.query:
            takes = [names[query.name] for names in asked.values() if query.name in names]
            assert takes, f"{row.routes}: {query.name} is not taken"
            assert all(differs(query, each) == "" for each in takes), (row.routes, query, takes)
            compared += len(takes)
        named = {query.name for query in row.query}
        for route, names in asked.items():
            needed = {name for name, each in names.items() if each.get("required")}
            assert needed <= named, route
    assert compared > 120  # what is read of the text, and not nothing


def test_each_route_takes_the_contracts_body(text: str) -> None:
    found, compared = set(), 0
    for row in contract.promises(text):
        for route in row.routes:
            if row.bodies and takes_it(row, route):
                assert "requestBody" in OPERATIONS[route], route
                for offered in row.bodies:
                    found |= set(body_faults(route, offered))
                    compared += len(offered)
    assert found == lines(KNOWN_BODIES)
    assert compared > 100


def takes_it(row: Promise, route: str) -> bool:
    """Of a set of routes, its import takes what the import above takes."""
    imports = len(row.routes) > 1 and route.endswith("/import")
    return not imports and not route.startswith(("GET", "DELETE"))


def body_faults(route: str, offered: contract.Object) -> Iterator[str]:
    """Of the best fit among the objects that it takes; in a PATCH nothing is needed."""
    if route.startswith("PATCH"):
        offered = tuple(replace(each, optional=True, default=None) for each in offered)
    promised = Kind(types=frozenset({"object"}), fields=offered)
    yield from min(
        (each_body(promised, each, route) for each in bodies(OPERATIONS[route])), key=len
    )


def each_body(promised: Kind, shape: Shape, route: str) -> list[str]:
    needed = {each.name for each in promised.fields if not each.optional}
    found = list(faults(promised, shape, route))
    found += [f"{route}: needs {name}" for name in shape.get("required", ()) if name not in needed]
    for each in promised.fields:
        if each.default and not has_default(each, shape):
            found.append(f"{route}.{each.name}: default")
    return found


def has_default(promised: Field, shape: Shape) -> bool:
    default = shape.get("properties", {}).get(promised.name, {}).get("default")
    return bool(json.loads(promised.default or "null") == default)


def test_each_route_answers_the_contracts_statuses(text: str) -> None:
    for row in every_promise(text):
        for route, answers in row.answers.items():
            good = {str(each.status) for each in answers}
            responses = OPERATIONS[route]["responses"].keys()
            assert good <= responses, route
            documented = {status for status in responses if status < "300"}
            assert not answers or documented <= good, (route, documented)


def test_each_route_answers_the_contracts_shape(text: str) -> None:
    found, compared = set(), 0
    for row in every_promise(text):
        for route, answers in row.answers.items():
            told = [each for each in answers if each.kind and route not in FILES]
            for place, each in enumerate(told):
                compared += 1
                inside = place > 0 and told[place - 1].status == each.status
                found |= set(answer_faults(route, each, inside=inside))
    assert found == lines(KNOWN_ANSWERS)
    assert compared > 90


def answer_faults(route: str, answer: Answer, *, inside: bool) -> list[str]:
    """`inside`: the second shape of a status is one of the items of the first."""
    shapes = answered(OPERATIONS[route], answer.status)
    assert shapes, f"{route}: no JSON with {answer.status}"
    promised, where = answer.kind or Kind(), f"{route} {answer.status}"
    if inside:
        rows = [one["items"] for each in shapes for one in held(each)]
        return min((list(faults(promised, each, where)) for each in rows), key=len)
    return list(faults(promised, {"anyOf": shapes}, where))


def held(shape: Shape) -> Iterator[dict[str, Any]]:
    """The lists in its objects."""
    for each in leaves(shape):
        for value in each.get("properties", {}).values():
            yield from (one for one in leaves(value) if "items" in one)


def test_objects_are_the_contracts(text: str) -> None:
    defined = sections.definitions(text)
    assert len(defined) == 11
    found = {
        fault
        for name, promised in defined.items()
        for fault in faults(promised, COMPONENTS[component(name)], name)
    }
    assert found == lines(KNOWN_OBJECTS)


def test_the_contracts_examples_fit_the_schemas(text: str) -> None:
    shown = sections.examples(text)
    assert len(shown) == len(EXAMPLES)
    for name, example in zip(EXAMPLES, shown, strict=True):
        whole = {**COMPONENTS[name], "components": {"schemas": COMPONENTS}}
        assert example.keys() <= whole["properties"].keys(), name
        # What is shown beyond the contract is always there, but not in an example of its text.
        validator = Draft202012Validator(without(whole, "required"))
        assert not [each.message for each in validator.iter_errors(example)], name


def without(value: Any, key: str) -> Any:
    """JSON without what stands under that key, wherever it is."""
    match value:
        case dict():
            return {name: without(item, key) for name, item in value.items() if name != key}
        case list():
            return [without(item, key) for item in value]
        case _:
            return value


def test_codes_have_the_contracts_statuses(text: str) -> None:
    ours = {(status, code) for code, status in STATUS.items()} | IN_TWO_STATUSES
    assert sections.codes(text) | ADDED_CODES == ours


def test_each_route_may_refuse_with_the_contracts_codes(text: str) -> None:
    known = sections.codes(text)
    compared = 0
    for row in every_promise(text):
        for status, code in row.codes:
            answered_with = status or STATUS[code]
            assert not code or (answered_with, code) in known, (row.routes, status, code)
            may = [str(answered_with) in OPERATIONS[each]["responses"] for each in row.routes]
            assert any(may), (row.routes, status, code)
            compared += bool(code)
    assert compared > 50


def test_exactly_the_contracts_reads_take_as_of(text: str) -> None:
    families = sections.with_a_past(text)
    assert len(families) == 9
    promised = {
        route
        for route in OPERATIONS
        for family in families
        if f"{route}/".startswith(f"GET /{family}/") and route not in lines(WITHOUT_PAST)
    }
    taken = {route for route, each in OPERATIONS.items() if "as_of" in queries(each)}
    assert taken == promised | lines(WITH_PAST_TOO)


COMPARISONS = [value for name, value in globals().items() if name.startswith("test_")]
