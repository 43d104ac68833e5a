"""Filling and configuring a sandbox through its control routes.

The seed body names lists of rows; each row is the keyword arguments of a `ZammadState` method,
instants as ISO texts. Lists are worked off in the order below, rows in the order given, so a later
row can use the ids of earlier ones (ids count from 1, users from 2, roles from 4).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.sandbox.control import SeedRefused
from adapters.sandbox.zammad.errors import ZammadError

if TYPE_CHECKING:
    from adapters.sandbox.zammad.state import ZammadState


def seed(state: "ZammadState", body: Mapping[str, Any]) -> dict[str, Any]:
    """Add everything `body` names; answers the ids made, per list.

    Raises:
        SeedRefused: an unknown list, a wrong argument, or a broken rule; then nothing is added.
    """
    makers = _makers(state)
    if unknown := sorted(body.keys() - makers.keys() - {"settings"}):
        raise SeedRefused(f"unknown lists: {', '.join(unknown)}; known: {', '.join(makers)}")
    made: dict[str, Any] = {}
    with state.transaction():
        if "settings" in body:
            configure(state, body["settings"])
        for name, make in makers.items():
            rows = body.get(name, [])
            made[name] = [_made(name, make, row) for row in rows]
    return made


def _makers(state: "ZammadState") -> dict[str, Callable[..., Any]]:
    return {
        "roles": state.add_role,
        "groups": state.add_group,
        "organizations": state.add_organization,
        "users": state.add_user,
        "tokens": state.add_token,
        "types": state.add_type,
        "tickets": state.add_ticket,
        "articles": state.add_article,
        "entries": state.book,
        "webhooks": state.add_webhook,
        "triggers": state.add_trigger,
    }


def _made(name: str, make: Callable[..., Any], row: Any) -> int:
    if not isinstance(row, dict):
        raise SeedRefused(f"{name}: a row must be an object")
    columns = dict(row)
    try:
        if isinstance(columns.get("at"), str):
            columns["at"] = datetime.fromisoformat(columns["at"])
        made: int = make(**columns).id
    except (TypeError, ValueError, KeyError, ZammadError, msgspec.ValidationError) as error:
        raise SeedRefused(f"{name}: {error}") from error
    return made


def configure(state: "ZammadState", body: Mapping[str, Any]) -> dict[str, Any]:
    """Change settings by name; answers all of them.

    `version`, `es_outage` and `es_lag_seconds` belong to the sandbox, not to Zammad.

    Raises:
        SeedRefused: a name is unknown or a value has another type than the setting's first value.
    """
    known = {row.name: row for row in state.setting_rows}
    own = {"version", "es_outage", "es_lag_seconds"}
    for name, value in body.items():
        if name in own:
            continue
        if name not in known:
            raise SeedRefused(f"unknown setting: {name}")
        initial = known[name].initial
        if isinstance(initial, bool) != isinstance(value, bool):
            raise SeedRefused(f"setting {name} does not take {value!r}")
    with state.transaction():
        for name in body.keys() - own:
            state.set_setting(name, body[name])
    state.version = str(body.get("version", state.version))
    state.index.outage = bool(body.get("es_outage", state.index.outage))
    if "es_lag_seconds" in body:
        state.index.lag = timedelta(seconds=float(body["es_lag_seconds"]))
    return {
        **{row.name: row.current for row in state.setting_rows},
        "version": state.version,
        "es_outage": state.index.outage,
        "es_lag_seconds": state.index.lag.total_seconds(),
    }
