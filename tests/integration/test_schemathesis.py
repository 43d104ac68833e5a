"""Every answer is one that the OpenAPI document names, whatever is sent to whichever route.

The document is that of the code, the service a real one with data and both peers. What is sent is
made by Schemathesis from the document, right and wrong, the same in every run; now and then with
the id of something that exists.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from api import schema
from api.problems import STATUS
from domain.delivery.signature import signature
from tests.integration.conftest import _migrated
from tests.support.postgres import DatabaseServer
from tests.support.threaded_service import Threaded, threaded_service
from tests.support.two_peers import RANGE, WEBHOOK_SECRET

# Cases of each kind, right and wrong ones, by account; a viewer is refused whatever it is.
EXAMPLES = {"viewer": {"get": 3}, "admin": {"get": 3, "delete": 2}}
OTHERS = {"viewer": 1, "admin": 3}
SUCCEED = 0.6  # of the operations at least, or what is sent tests nothing but the checks of input
ORDER = ("get", "post", "put", "patch", "delete")  # what destroys comes last
PATIENCE = 40.0  # seconds; a run that is waited for answers within 25
PEERS = {"peer_unavailable", "peer_auth_failed", "peer_rejected"}
LAG = {"projection_lag", "not_ready", "webhook_disabled"}
CONFORMANCE = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
ENDLESS = ("/stream",)  # its answer has no end
# Its own strategies draw from `random`, which Hypothesis seeds all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module")
ACCOUNTS = {"viewer": 2, "admin": 1}
OTHER_ADMIN = 3
BOTH = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def running(embedded_server: DatabaseServer) -> Iterator[Threaded]:
    """A service with a run behind it, an operator and a viewer."""
    template = embedded_server.template("migrated", _migrated)
    with embedded_server.database(template) as dsn, threaded_service(dsn) as threaded:
        threaded.call(lambda: threaded.service.add_user("victor", "viewer"))
        threaded.call(lambda: threaded.service.add_user("olga", "admin"))
        url, headers = f"{threaded.url}/api/v1/sync/run", by(threaded, 1)
        answer = requests.post(url, json=RANGE, headers=headers, timeout=PATIENCE)
        assert answer.json()["status"] == "success", answer.text
        add_more(threaded)
        yield threaded


def add_more(threaded: Threaded) -> None:
    """Rows that wait for a person, plans, a channel that nobody hears, and deliveries."""
    for entry in read(threaded, "entries")["items"][:3]:
        write(threaded, "conflicts/", json={"time_entry_id": entry["id"]})
    for _ in range(3):
        write(threaded, "sync/plans", json=RANGE)
    for _ in range(3):  # after the plans: a delivery begins a run
        channel = {"name": token_hex(4), "url": "json://127.0.0.1:9", "events": ["run_failed"]}
        write(threaded, "notifications/", json=channel)
        body = b'{"ticket": {"id": 1}}'
        signed = {"X-Hub-Signature": signature(WEBHOOK_SECRET, body)}
        write(threaded, "webhook/zammad", data=body, headers=signed)


def read(threaded: Threaded, path: str) -> Any:
    url = f"{threaded.url}/api/v1/{path}"
    answer = requests.get(url, headers=by(threaded, 1), timeout=PATIENCE)
    assert answer.ok, answer.text
    return answer.json()


def write(
    threaded: Threaded, path: str, headers: Mapping[str, str] | None = None, **body: Any
) -> None:
    url, more = f"{threaded.url}/api/v1/{path}", headers or by(threaded, 1)
    answer = requests.post(url, headers=dict(more), timeout=PATIENCE, **body)
    assert answer.ok, answer.text


def by(threaded: Threaded, user_id: int) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {threaded.token(user_id)}"}


def operations() -> Sequence[Any]:
    document = schemathesis.openapi.from_dict(schema.document())
    results: Sequence[Any] = list(document.get_all_operations())
    found = [result.ok() for result in results]
    return sorted(
        (each for each in found if not each.path.endswith(ENDLESS)),
        key=lambda each: (ORDER.index(each.method), each.path),
    )


def known_ids(threaded: Threaded) -> Mapping[str, Sequence[object]]:
    """Ids that exist, by the name that paths give them."""
    few = [1, 2, 3]
    numbered = ("connector_id", "mapping_id", "run_id", "plan_id", "user_id", "channel_id")
    rows = read(threaded, "reconcile?filter=all")["items"]
    return {
        "entry_id": [row["id"] for row in read(threaded, "entries")["items"]],
        "row_id": [row["id"] for row in rows],
        "conflict_id": [row["id"] for row in read(threaded, "conflicts")],
        "delivery_id": [
            each["delivery_id"] for each in read(threaded, "webhook/deliveries")["items"]
        ],
        "position": [1, 2, 50],
        **dict.fromkeys(numbered, few),
    }


def assert_answered(path: str, response: Any) -> None:
    """Only what others are to blame for is a 5xx, and every error is one of the closed list."""
    assert response.headers["x-request-id"]
    if response.status_code < 400 or path.endswith("/ready"):
        return
    problem = response.json()
    assert problem["detail"].strip(), response.text
    assert problem["code"] in STATUS, response.text
    if response.status_code >= 500:
        blamed = {502: PEERS, 503: LAG}.get(response.status_code, set())
        assert problem["code"] in blamed, response.text


def tried(
    threaded: Threaded, operation: Any, mode: Any, role: str, statuses: set[int]
) -> Sequence[str]:
    """Some cases of one operation, by one account: what was wrong with the answers.

    The service keeps what it is told, so no case is repeated or made smaller.
    """
    ids, wrong = known_ids(threaded), []

    @settings(
        max_examples=EXAMPLES[role].get(operation.method, OTHERS[role]),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def check(case: Any, data: st.DataObject) -> None:
        for name in sorted(case.path_parameters or {}):
            if ids.get(name) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(ids[name]))
        if str((case.path_parameters or {}).get("user_id")) == str(ACCOUNTS["admin"]):
            case.path_parameters["user_id"] = OTHER_ADMIN  # who asks is to go on asking
        headers = dict(by(threaded, ACCOUNTS[role]))
        response = case.call(base_url=threaded.url, headers=headers, timeout=PATIENCE)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CONFORMANCE)
            assert_answered(operation.path, response)
        except (AssertionError, FailureGroup, Failure) as error:
            told = [str(each) for each in getattr(error, "exceptions", [error])]
            wrong.append(
                f"{operation.label} ({mode.value}): {'; '.join(told)}\n{case.as_curl_command()}"
            )

    with suppress(Unsatisfiable):  # nothing can be wrong about a request without input
        check()
    return wrong


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_every_answer_is_as_documented(running: Threaded, role: str) -> None:
    statuses: dict[str, set[int]] = defaultdict(set)
    wrong = [
        each
        for operation in operations()
        for mode in BOTH
        for each in tried(running, operation, mode, role, statuses[operation.label])[:1]
    ]
    assert not wrong, "\n\n".join(wrong)
    if role == "admin":
        fine = [label for label, found in statuses.items() if any(each < 300 for each in found)]
        assert len(fine) > SUCCEED * len(statuses), sorted(statuses.keys() - set(fine))
