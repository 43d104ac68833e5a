"""Each of these changes of the contract's text is noticed by a comparison: they can fail."""

import pytest

from tests.support.contract_forms import Unreadable
from tests.unit import test_contract, test_contract_words
from tests.unit.test_contract import text

__all__ = ["text"]  # the fixture

COMPARISONS = (*test_contract.COMPARISONS, *test_contract_words.COMPARISONS)

CHANGES = (
    # answers of one route, of several, of sets
    ("| 200 User[] |", "| 200 User |"),
    ("| 201 User |", "| 200 User |"),
    ("202 `{entry_id, state}`", "202 `{entry_id, condition}`"),
    ("`{items: Plan[] (without rows), next_cursor}` / Plan /", "`{items: Plan[]}` / Entry /"),
    ("/ `{items: row[], next_cursor}` |", "/ `{items: row[], cursor}` |"),
    ("200 `{items: Event[], next_after, head}`", "200 `{items: Event[], next_after, tail}`"),
    ("(only `form`): 200 Event", "(only `form`): 200 Entry"),
    ("200 Channel[] / 200, 201 Channel", "200 Channel[] / 200, 202 Channel"),
    ("(adds `id, last_result?, created_at", "(adds `id, last_try?, created_at"),
    ('object plus `origin: "manual"', 'object plus `origin: "by_hand"'),
    ("project `customer_id, customer_name`", "project `client_id, customer_name`"),
    ("a linked timesheet is not touched | 200 Entry |", "a linked timesheet is gone | 200 Entry |"),
    ("requests: [{method, path, body}], effects", "requests: [{method, url, body}], effects"),
    ("`num_processed`, `num_created`", "`num_processed`, `num_made`"),
    ('202 `{status: "accepted", delivery_id}`', '202 `{status: "taken", delivery_id}`'),
    # what is taken
    ("any of `cron, timezone,", "any of `cron, zone,"),
    ("any field of POST, also `zammad_type_id`", "any field of POST, also `type_id`"),
    ("form `username`, `password`", "form `user`, `password`"),
    ("`{name, url, events[], is_active=true}`", "`{name, url, events[], is_active=false}`"),
    ("multipart `file` (csv or json)", "multipart `upload` (csv or json)"),
    ('role="viewer", is_active=true}`', 'role="operator", is_active=true}`'),
    ("`skip=0`, `limit=100` (≤ 500) | 200 User[]", "`skip=0`, `limit=100` (≤ 999) | 200 User[]"),
    ("`format=csv\\|json\\|ndjson` (json)", "`format=csv\\|json\\|xml` (json)"),
    # refusals
    ("201 User | 409 `name_taken`", "201 User | 409 `name_used`"),
    ("200 User | 409 `last_admin`", "200 User | 422 `last_admin`"),
    ("is 422 `type_immutable`", "is 409 `type_immutable`"),
    ("| 422 `export_too_large` (>", "| 413 `export_too_large` (>"),
    ("`run_active`, `queue_full`, `run_not_active`", "`run_active`, `run_not_active`"),
    ("| 403 | `forbidden` (role)", "| 403 | `forbidden` (role), `not_found`"),
    # types and words
    ("disabled: bool (= not is_active)", "disabled: int (= not is_active)"),
    ('role: "admin"|"operator"|"viewer", version', 'role: "admin"|"operator"|"reader", version'),
    ('health: {state: "unknown"|"ok"', 'health: {state: "unset"|"ok"'),
    ("zammad_type_id: int|null, zammad_type_name: string", "zammad_type_id: int, zammad_type_name"),
    ('"pending"|"resolved"|"ignored", resolution_action?', '"open"|"resolved", resolution_action?'),
    ("next_runs: string[] (3,", "next_runs: int[] (3,"),
    ("entity_id?: int, user?", "entity_id?: string, user?"),
    ("| `TICKET_MERGED` | by link", "| `TICKET_JOINED` | by link"),
    ("| `withdrawn` | gone", "| `gone` | gone"),
    ("`work_time`, `user`, `mapping` (with", "`worked`, `user`, `mapping` (with"),
    ("`connector_down`, `dead_letter`, `webhook_rejected` |", "`connector_down`, `dead` |"),
    # columns, events, sections 12 and 13
    ("columns `zammad_type_id,zammad_type_name,", "columns `zammad_type_id,type_name,"),
    ("`sync-history.csv`, columns `id,trigger_type,", "`sync-history.csv`, columns `id,trigger,"),
    ("columns `id,created_at,action,", "columns `id,action,created_at,"),
    ("201 User | 409 `name_taken` | `UserAdded` |", "201 User | 409 `name_taken` | `UserMade` |"),
    ("`UserLoggedIn` → `login_success`", "`UserLoggedIn` → `logged_in`"),
    ("`ChannelAdded`/`Changed`/`Removed` →", "`ChannelAdded`/`Removed`/`Changed` →"),
    ("→ `user_mapping_…`, `project", "→ `person_mapping_…`, `project"),
    ("(V, cookie or Bearer; `types?` comma list)", "(V, cookie or Bearer; `kinds?` comma list)"),
    ("(or `?after=`)", "(or `?since=`)"),
    ("`from`, `to=now` (same forms)", "`since`, `to=now` (same forms)"),
    ("items: [{kind, id, label, change:", "items: [{kind, id, name, change:"),
    ("entries, sync/runs, sync/kpi, schedule and", "entries, sync/runs, sync/plans, schedule and"),
    (
        '`conflict.opened` | `{"conflict_id": 77, "entry_id"',
        '`conflict.opened` | `{"conflict_id": 77, "row"',
    ),
    # words and defaults of settings, states, ops and reasons
    ("`start_at_booking`\\|`day_start_stacked`", "`starts_at_booking`\\|`day_start_stacked`"),
    ("`delete`\\|`conflict`\\|`keep`; `conflict`", "`delete`\\|`conflict`\\|`keep`; `delete`"),
    ('timezone: "UTC", concurrency', 'timezone: "Europe/Brussels", concurrency'),
    ("`failed`, `cancelled` → `failed`", "`failed`, `cancelled` → `completed`"),
    ("| `skip` | `missing` | leave", "| `skip` | `conflict` | leave"),
    (
        "no Kimai user for the person who booked | user mapping set |",
        "no Kimai user for the person who booked | always |",
    ),
    # whom a route is for, and which routes there are
    ("| GET `/privacy/subjects` | A |", "| GET `/privacy/subjects` | O |"),
    ("same set under `/mappings/projects`", "same set under `/mappings/customers`"),
    ("`±updated_at`, `±minutes`", "`±updated_at`, `minutes`"),
    # forms that are not known
    ("as row op |", "like the row op |"),
    ("form `username`, `password`", "text of `username`, `password`"),
)


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_is_noticed(text: str, before: str, after: str) -> None:
    assert text.count(before) == 1
    assert fails(text.replace(before, after))


def fails(changed: str) -> bool:
    for comparison in COMPARISONS:
        try:
            comparison(changed)
        except (AssertionError, Unreadable, LookupError, ValueError):
            return True
    return False


def test_the_text_itself_fails_nothing(text: str) -> None:
    assert not fails(text)
