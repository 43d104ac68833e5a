"""Whatever is sent, the sandbox answers as Zammad would and a refusal changes nothing."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sandbox.zammad import ZammadApp, create_zammad_app
from adapters.sandbox.zammad.routes import all_routes
from tests.support.zammad_world import Company, stored

ROUTES = sorted({(method, pattern) for method, pattern, _ in all_routes()._listed})
COLUMNS = (
    "time_unit",
    "type",
    "type_id",
    "ticket_id",
    "ticket_article_id",
    "created_at",
    "name",
    "note",
    "active",
    "title",
    "group_id",
    "group",
    "customer",
    "customer_id",
    "owner_id",
    "state",
    "state_id",
    "article",
    "body",
    "condition",
    "ids",
    "query",
    "page",
    "per_page",
    "expand",
    "full",
    "endpoint",
    "http_method",
    "perform",
    "email",
    "roles",
    "role_ids",
    "group_ids",
    "organization_id",
    "preferences",
    "state_current",
    "attachments",
    "internal",
    "from",
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "1", "true", "Support", "emily@example.com", "1,5", "9999.99", "*"]),
    st.text(max_size=6),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["operator", "value", "conditions", "name", "body"]),
                st.text(max_size=4),
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
bodies = st.dictionaries(st.sampled_from(COLUMNS), values, max_size=6)
segments = st.sampled_from(["1", "2", "10001", "0", "-1", "abc", "2026", "7", "%2e", "webhook"])


def scope(method: str, path: str, token: str) -> dict[str, Any]:
    headers = [
        (b"authorization", f"Token token={token}".encode()),
        (b"content-type", b"application/json"),
    ]
    return {
        "type": "http",
        "method": method,
        "path": f"/api/v1{path}",
        "query_string": b"",
        "headers": headers,
    }


@settings(max_examples=300, deadline=None)
@given(
    route=st.sampled_from(ROUTES),
    data=st.data(),
    body=bodies,
    token=st.sampled_from(["ADA", "EMMA", "EMILY", "ROBOT"]),
)
def test_no_request_crashes_and_no_refusal_changes_anything(
    route: tuple[str, str], data: st.DataObject, body: dict[str, Any], token: str
) -> None:
    company = Company()
    company.state.add_article(1, "Note", time_unit="1", by=company.emma.id)
    before = stored(company.state)
    app = create_zammad_app(company.state).app
    assert isinstance(app, ZammadApp)
    method, pattern = route
    parts = [data.draw(segments) if part[:1] == ":" else part for part in pattern.split("/")]
    request = scope(method, "/".join(parts), token)
    answer, _ = app._answer(request, json.dumps(body).encode())
    shown = json.dumps(answer.value) if answer.status >= 400 else ""
    assert answer.status < 500 or "invalid" in shown.lower() or "Error ID" in shown, shown
    if token == "ADA":
        assert answer.status < 500 or "Found invalid" in shown or "Invalid operator" in shown, shown
    if answer.status >= 400:
        assert stored(company.state) == before
