"""Who may do what, and how refusals look. Measure: peers/zammad.md §1."""

import base64
from datetime import timedelta

import pytest

from tests.support.zammad_world import BEGIN, ONE_LOOP, Served, board, zammad

__all__ = ["board", "zammad"]

pytestmark = ONE_LOOP

ENTRIES = "/time_accountings"


def basic(login: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


async def test_no_credentials_at_all_is_403_not_401(zammad: Served) -> None:
    answer = await zammad.bare().get("/users/me")
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "Authentication required",
        "error_human": "Authentication required",
    }
    assert answer.headers["X-Failure"] == "Authentication required"


@pytest.mark.parametrize(
    "header",
    ["Token token=EMMA", 'Token token="EMMA"', 'Token token="EMMA", nonce="1"', "Bearer EMMA"],
)
async def test_an_access_token_is_read_in_every_spelling(zammad: Served, header: str) -> None:
    answer = await zammad.bare(Authorization=header).get("/users/me")
    assert answer.status_code == 200
    assert answer.json()["login"] == "emma@example.com"


async def test_an_unknown_token_is_401(zammad: Served) -> None:
    answer = await zammad.as_("NOBODY").get("/users/me")
    assert (answer.status_code, answer.json()["error"]) == (401, "Can't find User for Token")
    assert answer.headers["X-Failure"] == "Can't find User for Token"


async def test_a_token_is_expired_on_its_date(zammad: Served) -> None:
    state, emma = zammad.state, zammad.company.emma
    today = BEGIN.date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    state.add_token(emma.id, permissions=["ticket.agent"], secret="OLD", expires_at=str(today))
    state.add_token(emma.id, permissions=["ticket.agent"], secret="NEW", expires_at=tomorrow)
    old = await zammad.as_("OLD").get("/users/me")
    assert (old.status_code, old.json()["error"]) == (401, "Not authorized (token expired)!")
    assert (await zammad.as_("NEW").get("/users/me")).status_code == 200


async def test_an_oauth_token_is_checked_for_expiry_and_has_the_users_whole_rights(
    zammad: Served,
) -> None:
    state, ada = zammad.state, zammad.company.ada
    state.add_oauth_token(ada.id, secret="OAUTH", expires_at="2026-07-01T09:00:00.000Z")
    client = zammad.bare(Authorization="Bearer OAUTH")
    assert (await client.get("/version")).status_code == 200
    zammad.company.pass_time(hours=2)
    assert (await client.get("/version")).json()["error"] == "OAuth2 token is expired!"
    unknown = await zammad.bare(Authorization="Bearer WRONG").get("/version")
    assert unknown.status_code == 401
    assert unknown.json()["error"] == "The provided token is invalid."


async def test_basic_credentials_need_the_right_password_and_no_second_factor(
    zammad: Served,
) -> None:
    good = zammad.bare(Authorization=basic("emma@example.com", "emma-pw"))
    assert (await good.get("/users/me")).json()["id"] == zammad.company.emma.id
    bad = await zammad.bare(Authorization=basic("emma@example.com", "no")).get("/users/me")
    assert (bad.status_code, bad.json()["error"]) == (401, "Invalid BasicAuth credentials")
    zammad.state.change_user(zammad.company.emma.id, two_factor=True)
    assert (await good.get("/users/me")).status_code == 401


async def test_each_scheme_can_be_switched_off(zammad: Served) -> None:
    password = zammad.bare(Authorization=basic("emma@example.com", "emma-pw"))
    zammad.state.set_setting("api_password_access", False)
    refused = await password.get("/users/me")
    assert (refused.status_code, refused.json()["error"]) == (403, "API password access disabled!")
    zammad.state.set_setting("api_token_access", False)
    refused = await zammad.as_("EMMA").get("/users/me")
    assert (refused.status_code, refused.json()["error"]) == (403, "API token access disabled!")


async def test_maintenance_mode_lets_only_administrators_in(zammad: Served) -> None:
    zammad.state.set_setting("maintenance_mode", True)
    refused = await zammad.as_("EMMA").get("/users/me")
    assert (refused.status_code, refused.json()["error"]) == (403, "Maintenance mode enabled!")
    assert (await zammad.as_("ADA").get("/users/me")).status_code == 200


async def test_an_inactive_user_is_401(zammad: Served) -> None:
    zammad.state.change_user(zammad.company.emma.id, active=False)
    answer = await zammad.as_("EMMA").get("/users/me")
    assert answer.status_code == 401
    assert answer.json()["error"].startswith("Login failed.")


@pytest.mark.parametrize("header", ["From", "X-On-Behalf-Of"])
@pytest.mark.parametrize("name", ["id", "login"])
async def test_an_administrator_acts_as_another_user(
    zammad: Served, header: str, name: str
) -> None:
    emma = zammad.company.emma
    on_behalf = str(emma.id) if name == "id" else emma.login.upper()
    answer = await zammad.as_("ADA").get("/users/me", headers={header: on_behalf})
    assert answer.json()["id"] == emma.id


async def test_from_wins_over_the_deprecated_name(zammad: Served) -> None:
    headers = {"From": "emma@example.com", "X-On-Behalf-Of": "ravi@example.com"}
    answer = await zammad.as_("ADA").get("/users/me", headers=headers)
    assert answer.json()["login"] == "emma@example.com"


async def test_impersonation_needs_admin_user_and_an_existing_user(zammad: Served) -> None:
    refused = await zammad.as_("EMMA").get("/users/me", headers={"From": "ravi@example.com"})
    assert refused.status_code == 401
    unknown = await zammad.as_("ADA").get("/users/me", headers={"From": "nobody"})
    assert (unknown.status_code, unknown.json()["error"]) == (401, "No such user 'nobody'")


async def test_impersonation_lifts_the_tokens_subset(zammad: Served) -> None:
    ada = zammad.company.ada
    zammad.state.add_token(ada.id, permissions=["ticket.agent"], secret="NARROW")
    narrow = zammad.as_("NARROW")
    assert (await narrow.get(ENTRIES)).status_code == 403
    assert (await narrow.get(ENTRIES, headers={"From": str(ada.id)})).status_code == 200


async def test_a_permission_must_be_in_the_token_and_in_the_user(zammad: Served) -> None:
    emma = zammad.company.emma
    zammad.state.add_token(emma.id, permissions=["admin.time_accounting"], secret="WISHFUL")
    answer = await zammad.as_("WISHFUL").get(ENTRIES)
    assert (answer.status_code, answer.json()["error"]) == (403, "Not authorized")
    assert (await zammad.as_("WISHFUL").get("/users/me")).status_code == 200


GRANTED = {
    # (method, path): the tokens that may; E Emma (agent), R Ravi (read only), C Emily (customer),
    # S robot (agent with admin.time_accounting), A Ada (everything)
    ("GET", "/time_accountings"): "SA",
    ("GET", "/time_accountings/1"): "SA",
    ("GET", "/time_accountings?ticket_id=1"): "ESA",
    ("GET", "/tickets/1/time_accountings"): "ESA",
    ("GET", "/tickets/1/time_accountings/1"): "ESA",
    ("POST", "/tickets/1/time_accountings"): "ESA",
    ("PUT", "/tickets/1/time_accountings/1"): "SA",
    ("PATCH", "/tickets/1/time_accountings/1"): "SA",
    ("PUT", "/time_accountings/1"): "SA",
    ("GET", "/time_accounting/types"): "SA",
    ("PUT", "/time_accounting/types/1"): "SA",
    ("GET", "/time_accounting/log/by_activity/2026/7"): "SA",
    ("GET", "/time_accounting/log/by_ticket/2026/7"): "SA",
    ("GET", "/time_accounting/log/by_customer/2026/7"): "SA",
    ("GET", "/time_accounting/log/by_organization/2026/7"): "SA",
    ("GET", "/tickets/1"): "ERCSA",
    ("GET", "/ticket_articles/by_ticket/1"): "ERCSA",
    ("PUT", "/tickets/1"): "ECA",
    ("GET", "/users/1"): "ERSA",
    ("GET", "/users/me"): "ERCSA",
    ("GET", "/users/search"): "ERSA",
    ("GET", "/organizations/2"): "ERSA",
    ("GET", "/groups"): "A",
    ("GET", "/roles"): "A",
    ("GET", "/version"): "A",
    ("GET", "/settings"): "SA",
    ("GET", "/webhooks"): "A",
    ("GET", "/triggers"): "A",
    ("DELETE", "/tickets/1/time_accountings/1"): "SA",
    ("DELETE", "/tickets/1"): "A",
}
TOKENS = {"E": "EMMA", "R": "RAVI", "C": "EMILY", "S": "ROBOT", "A": "ADA"}


@pytest.mark.parametrize("route", GRANTED, ids=" ".join)
async def test_a_route_is_for_those_of_the_permission_table(
    zammad: Served, route: tuple[str, str]
) -> None:
    zammad.state.book(1, "0.5", by=zammad.company.emma.id)
    method, path = route
    body = {"time_unit": "1"} if method == "POST" else {}
    refused, granted = "", ""
    for letter, secret in TOKENS.items():
        if letter not in GRANTED[route]:
            answer = await zammad.as_(secret).request(method, path, json=body or None)
            assert answer.status_code == 403, (letter, answer.text)
            assert answer.headers["X-Failure"] == "Not authorized"
            refused += letter
    for letter in GRANTED[route]:
        answer = await zammad.as_(TOKENS[letter]).request(method, path, json=body or None)
        assert answer.status_code in {200, 201}, (letter, answer.text)
        granted += letter
        if method == "DELETE":
            break
    assert granted
    assert len(refused) == len(TOKENS) - len(GRANTED[route])


async def test_an_agent_with_create_access_alone_may_book_but_not_list(zammad: Served) -> None:
    state = zammad.state
    user = state.add_agent("new@example.com", groups={1: ["create"]})
    state.add_token(user.id, permissions=["ticket.agent"], secret="CREATE")
    client = zammad.as_("CREATE")
    booked = await client.post("/tickets/1/time_accountings", json={"time_unit": 1})
    assert booked.status_code == 201
    assert (await client.get("/tickets/1/time_accountings")).status_code == 403


async def test_only_agents_are_stopped_while_the_feature_is_off(zammad: Served) -> None:
    zammad.state.set_setting("time_accounting", False)
    path, body = "/tickets/1/time_accountings", {"time_unit": 1}
    refused = await zammad.as_("EMMA").post(path, json=body)
    assert (refused.status_code, refused.json()["error"]) == (403, "Time Accounting is not enabled")
    assert refused.headers["X-Failure"] == "Time Accounting is not enabled"
    assert (await zammad.as_("ROBOT").post(path, json=body)).status_code == 201


async def test_deleting_a_missing_entry_is_422_and_a_foreign_one_404(zammad: Served) -> None:
    entry = zammad.state.book(1, "0.5")
    other = zammad.state.add_ticket(title="B", group_id=1, customer_id=zammad.company.emily.id)
    robot = zammad.as_("ROBOT")
    missing = await robot.delete("/time_accountings/999")
    assert missing.status_code == 422
    assert missing.json()["error"] == "Couldn't find Ticket::TimeAccounting with 'id'=999"
    foreign = await robot.delete(f"/tickets/{other.id}/time_accountings/{entry.id}")
    assert foreign.status_code == 404
    assert entry.id in zammad.state.entries


async def test_entries_of_a_missing_ticket_are_404_for_agents_and_empty_for_admins(
    zammad: Served,
) -> None:
    path = "/tickets/999/time_accountings"
    agent = await zammad.as_("EMMA").get(path)
    assert (agent.status_code, agent.json()["error"]) == (404, "Couldn't find Ticket with 'id'=999")
    admin = await zammad.as_("ROBOT").get(path)
    assert (admin.status_code, admin.json()) == (200, [])


async def test_a_bad_sort_is_500_and_its_text_only_for_full_administrators(
    zammad: Served,
) -> None:
    ada = await zammad.as_("ADA").get(f"{ENTRIES}?sort_by=nonsense")
    assert ada.status_code == 500
    assert ada.json() == {"error": "Found invalid column 'nonsense' for sorting."}
    robot = await zammad.as_("ROBOT").get(f"{ENTRIES}?order_by=sideways")
    assert robot.status_code == 500
    text = robot.json()["error"]
    assert text.startswith("Error ID ")
    assert text.endswith(": Please contact your administrator.")
    assert "error_human" not in robot.json()


async def test_unknown_routes_are_404_and_need_no_credentials(zammad: Served) -> None:
    for path in ("/nothing/here", "/time_accounting/types/1"):
        answer = await zammad.bare().delete(path)
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("No route matches [DELETE]")
    outside = await zammad.bare().get(f"{zammad.url}/")
    assert outside.status_code == 404


async def test_a_browser_gets_errors_as_html(zammad: Served) -> None:
    answer = await zammad.bare().get("/users/me", headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_body_that_is_not_json_is_400(zammad: Served) -> None:
    answer = await zammad.as_("ADA").post(
        ENTRIES, content=b'{"time_unit":', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


async def test_settings_are_listed_only_as_far_as_the_caller_may_see_them(zammad: Served) -> None:
    zammad.state.set_setting("time_accounting_unit", "minute")
    seen = (await zammad.as_("ROBOT").get("/settings")).json()
    names = {row["name"] for row in seen}
    assert names == {
        "time_accounting",
        "time_accounting_selector",
        "time_accounting_unit",
        "time_accounting_unit_custom",
        "time_accounting_types",
        "time_accounting_type_default",
    }
    unit = next(row for row in seen if row["name"] == "time_accounting_unit")
    assert unit["state_current"] == {"value": "minute"}
    assert unit["state_initial"] == {"value": ""}
    everything = (await zammad.as_("ADA").get("/settings")).json()
    assert len(everything) > len(seen)


async def test_a_setting_is_changed_by_those_who_may_see_it(zammad: Served) -> None:
    rows = (await zammad.as_("ADA").get("/settings")).json()
    ids = {row["name"]: row["id"] for row in rows}
    robot = zammad.as_("ROBOT")
    body = {"state_current": {"value": "hour"}}
    changed = await robot.put(f"/settings/{ids['time_accounting_unit']}", json=body)
    assert changed.json()["state_current"] == {"value": "hour"}
    assert (await robot.put(f"/settings/{ids['fqdn']}", json=body)).status_code == 403
