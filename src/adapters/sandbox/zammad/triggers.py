"""From what a transaction did to webhook jobs. Source: peers/zammad.md §5.2."""

from typing import Any

from adapters.sandbox.zammad import conditions
from adapters.sandbox.zammad.errors import ZammadError
from adapters.sandbox.zammad.records import Trigger, WebhookJob
from adapters.sandbox.zammad.store import Store, TicketEvent, as_id


def enqueue(store: Store, events: list[TicketEvent]) -> None:
    """Queue one job per matching trigger and changed ticket, triggers in name order."""
    if not events or not len(store.triggers) or store.setting("import_mode"):
        return
    triggers = sorted(store.triggers, key=lambda t: (t.name, t.id))
    for event in events:
        for trigger in triggers:
            if trigger.active and trigger.activator == "action" and _fires(store, trigger, event):
                _queue(store, trigger, event)


def _fires(store: Store, trigger: Trigger, event: TicketEvent) -> bool:
    ticket = store.tickets.get(event.ticket_id)
    if ticket is None:
        return False
    article = store.articles.get(event.article_id)
    about_articles = any(
        name.startswith("article.") for name in conditions.names(trigger.condition)
    )
    if about_articles and article is None:
        return False
    selective = trigger.execution_condition_mode != "always" and not about_articles
    if selective and not _touches(trigger, event):
        return False
    subject = conditions.Subject(
        store=store,
        ticket=ticket,
        now=store.now(),
        kinds=frozenset(event.kinds),
        changes=event.changes,
        articles=() if article is None else (article,),
    )
    try:
        return conditions.matches(trigger.condition, subject)
    except ZammadError:
        return False  # a broken condition is logged by the server and selects nothing


def _touches(trigger: Trigger, event: TicketEvent) -> bool:
    """Selective: on an update, a column the condition names must have changed."""
    if "create" in event.kinds:
        return True
    named = {
        name.partition(".")[2]
        for name in conditions.names(trigger.condition)
        if name.startswith("ticket.")
    }
    if "action" in named:
        return True
    return bool(named & event.changes.keys())


def _queue(store: Store, trigger: Trigger, event: TicketEvent) -> None:
    if webhook_of(trigger.perform) is None:
        return
    job = WebhookJob(
        id=store.jobs.next_id,
        delivery=store.new_uuid(),
        trigger_id=trigger.id,
        ticket_id=event.ticket_id,
        article_id=event.article_id,
    )
    store.put(store.jobs, job)


def webhook_of(perform: Any) -> int | None:
    """The webhook a trigger's action sends to, if it sends at all."""
    action = perform.get("notification.webhook") if isinstance(perform, dict) else None
    return as_id(action.get("webhook_id")) if isinstance(action, dict) else None
