"""Settings, version, webhooks, triggers, HTTP log. Source: peers/zammad.md §1.2, §2.5, §5."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from adapters.sandbox.zammad import models, views
from adapters.sandbox.zammad.calls import Answer, Call, Routes
from adapters.sandbox.zammad.errors import Forbidden, Invalid, Unprocessable
from adapters.sandbox.zammad.models import Model
from adapters.sandbox.zammad.records import Setting, Trigger, Webhook
from adapters.sandbox.zammad.triggers import webhook_of

ROUTES = Routes()


@ROUTES.on("GET", "/version")
def version(call: Call) -> Answer:
    """The version, for those with `admin.version`."""
    call.caller.require("admin.version")
    return Answer({"version": call.state.version})


# Settings


@ROUTES.on("GET", "/settings")
def settings(call: Call) -> Answer:
    """The settings the caller may see."""
    call.caller.require("admin.*")
    rows = call.state.setting_rows
    return Answer([views.setting(r) for r in rows if call.caller.may(*r.permissions)])


def _setting(call: Call) -> Setting:
    call.caller.require("admin.*")
    row = call.state.find(call.state.setting_rows, call["id"])
    if not call.caller.may(*row.permissions):
        raise Forbidden(f"Not authorized (required {row.permissions})!")
    return row


@ROUTES.on("GET", "/settings/:id")
def setting(call: Call) -> Answer:
    """One setting, by id."""
    return Answer(views.setting(_setting(call)))


@ROUTES.on("PUT PATCH", "/settings/:id")
def update_setting(call: Call) -> Answer:
    """Change a setting's value; given as `state_current` or `state`."""
    row = _setting(call)
    given = call["state_current"] if "state_current" in call.params else call["state"]
    value = given["value"] if isinstance(given, dict) and "value" in given else given
    return Answer(views.setting(call.state.set_setting(row.name, value)))


# Webhooks

_WEBHOOK_COLUMNS = (
    "name",
    "endpoint",
    "signature_token",
    "ssl_verify",
    "http_method",
    "basic_auth_username",
    "basic_auth_password",
    "bearer_token",
    "note",
    "active",
)
WEBHOOKS: Model[Webhook] = Model(
    columns=Webhook.__struct_fields__,
    plain=lambda _, row: row,
    names=lambda _, row: msgspec.structs.asdict(row),
    assets=lambda _, rows: {"Webhook": {str(r.id): msgspec.structs.asdict(r) for r in rows}},
)


def _check_webhook(columns: dict[str, Any]) -> dict[str, Any]:
    if "name" in columns and not columns["name"]:
        raise Invalid("Name can't be blank")
    if "endpoint" in columns:
        parts = urlsplit(str(columns["endpoint"] or ""))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Invalid("Endpoint The provided endpoint is invalid, no http or https protocol")
    if str(columns.get("http_method", "post")).lower() not in {"post", "put", "patch", "delete"}:
        raise Invalid("HTTP method is not included in the list")
    return columns


@ROUTES.on("GET", "/webhooks")
def webhooks(call: Call) -> Answer:
    """All webhooks."""
    call.caller.require("admin.webhook")
    return models.listed(call, WEBHOOKS, call.state.webhooks)


@ROUTES.on("GET", "/webhooks/:id")
def webhook(call: Call) -> Answer:
    """One webhook."""
    call.caller.require("admin.webhook")
    return models.shown(call, WEBHOOKS, call.state.find(call.state.webhooks, call["id"]))


@ROUTES.on("POST", "/webhooks")
def create_webhook(call: Call) -> Answer:
    """Create a webhook."""
    call.caller.require("admin.webhook")
    columns = {"name": None, "endpoint": None, **models.chosen(call.params, *_WEBHOOK_COLUMNS)}
    row = call.state.add_webhook(**_check_webhook(columns))
    return models.shown(call, WEBHOOKS, row, status=201)


@ROUTES.on("PUT PATCH", "/webhooks/:id")
def update_webhook(call: Call) -> Answer:
    """Change a webhook; queued deliveries use it as it then is."""
    call.caller.require("admin.webhook")
    row = call.state.find(call.state.webhooks, call["id"])
    columns = _check_webhook(models.chosen(call.params, *_WEBHOOK_COLUMNS))
    return models.shown(call, WEBHOOKS, call.state.change(call.state.webhooks, row, **columns))


@ROUTES.on("DELETE", "/webhooks/:id")
def destroy_webhook(call: Call) -> Answer:
    """Delete a webhook no trigger uses."""
    call.caller.require("admin.webhook")
    state = call.state
    row = state.find(state.webhooks, call["id"])
    users = [t.name for t in state.triggers if webhook_of(t.perform) == row.id]
    if users:
        raise Unprocessable(f"Cannot delete! This webhook is referenced by Trigger: {users[0]}")
    state.drop(state.webhooks, row.id)
    return Answer({})


# Triggers

_TRIGGER_COLUMNS = (
    "name",
    "condition",
    "perform",
    "activator",
    "execution_condition_mode",
    "disable_notification",
    "note",
    "active",
)
TRIGGERS: Model[Trigger] = Model(
    columns=Trigger.__struct_fields__,
    plain=lambda _, row: row,
    names=lambda _, row: msgspec.structs.asdict(row),
    assets=lambda _, rows: {"Trigger": {str(r.id): msgspec.structs.asdict(r) for r in rows}},
)


def _check_trigger(call: Call, columns: dict[str, Any], own_id: int = 0) -> dict[str, Any]:
    if "name" in columns:
        if not columns["name"]:
            raise Invalid("Name can't be blank")
        if any(t.name == columns["name"] and t.id != own_id for t in call.state.triggers):
            raise Invalid("Name has already been taken")
    if "perform" in columns:
        if not isinstance(columns["perform"], dict) or not columns["perform"]:
            raise Invalid("The required parameter 'perform' is missing")
        webhook_id = webhook_of(columns["perform"])
        if "notification.webhook" in columns["perform"] and webhook_id not in call.state.webhooks:
            raise Invalid("Invalid perform notification.webhook webhook_id")
    if columns.get("execution_condition_mode", "selective") not in {"selective", "always"}:
        raise Invalid("Execution condition mode is not included in the list")
    return columns


@ROUTES.on("GET", "/triggers")
def triggers(call: Call) -> Answer:
    """All triggers."""
    call.caller.require("admin.trigger")
    return models.listed(call, TRIGGERS, call.state.triggers)


@ROUTES.on("GET", "/triggers/:id")
def trigger(call: Call) -> Answer:
    """One trigger."""
    call.caller.require("admin.trigger")
    return models.shown(call, TRIGGERS, call.state.find(call.state.triggers, call["id"]))


@ROUTES.on("POST", "/triggers")
def create_trigger(call: Call) -> Answer:
    """Create a trigger; conditions the UI does not offer are taken too."""
    call.caller.require("admin.trigger")
    columns = {"name": None, "perform": {}, **models.chosen(call.params, *_TRIGGER_COLUMNS)}
    row = call.state.add_trigger(**_check_trigger(call, columns))
    return models.shown(call, TRIGGERS, row, status=201)


@ROUTES.on("PUT PATCH", "/triggers/:id")
def update_trigger(call: Call) -> Answer:
    """Change a trigger."""
    call.caller.require("admin.trigger")
    row = call.state.find(call.state.triggers, call["id"])
    columns = _check_trigger(call, models.chosen(call.params, *_TRIGGER_COLUMNS), row.id)
    return models.shown(call, TRIGGERS, call.state.change(call.state.triggers, row, **columns))


@ROUTES.on("DELETE", "/triggers/:id")
def destroy_trigger(call: Call) -> Answer:
    """Delete a trigger; its queued deliveries are dropped silently."""
    call.caller.require("admin.trigger")
    row = call.state.find(call.state.triggers, call["id"])
    call.state.drop(call.state.triggers, row.id)
    return Answer({})


@ROUTES.on("GET", "/http_logs/:facility")
def http_logs(call: Call) -> Answer:
    """The newest outgoing requests of a facility, newest first."""
    call.caller.require("admin.*")
    return Answer([e for e in reversed(call.state.http_log) if e.facility == call["facility"]])
