"""Time accounting entries: what may be stored and what it does to the ticket.

Source: peers/zammad.md §2.2 and §2.4.
"""

from decimal import Decimal
from typing import Any

import msgspec

from adapters.sandbox.zammad import amounts, ticketing
from adapters.sandbox.zammad.errors import BadArgument, Invalid
from adapters.sandbox.zammad.records import ActivityType, TimeAccounting
from adapters.sandbox.zammad.store import Store

NOTE_LIMIT = 250  # characters of a type's note


def _amount(value: Any) -> str:
    amount = amounts.cast(value)
    if amount is None:
        raise BadArgument(
            'PG::NotNullViolation: ERROR: null value in column "time_unit" '
            "violates not-null constraint"
        )
    if abs(amount) > amounts.LIMIT:
        raise BadArgument("PG::NumericValueOutOfRange: ERROR: numeric field overflow")
    return amounts.shown(amount)


def _check_type(store: Store, type_id: int | None) -> None:
    if type_id is not None and type_id not in store.types:
        raise Invalid(f"Invalid value for param 'type_id': {type_id}")


def _check_article(store: Store, ticket_id: int, article_id: int | None, entry_id: int) -> None:
    """The article must be the ticket's and not have an entry yet."""
    if article_id is None:
        return
    article = store.articles.get(article_id)
    if article is None or article.ticket_id != ticket_id:
        raise Invalid("This ticket article is not part of the specified ticket.")
    _check_unique(store, article_id, entry_id)


def _check_unique(store: Store, article_id: int | None, entry_id: int) -> None:
    if article_id is None:
        return
    if any(e.id != entry_id for e in store.entries.where("article", article_id)):
        raise Invalid("Ticket article has already been taken")


def book(
    store: Store,
    *,
    ticket_id: int,
    time_unit: Any,
    ticket_article_id: int | None = None,
    type_id: int | None = None,
    legacy: bool = False,
    **columns: Any,
) -> TimeAccounting:
    """Create an entry; `legacy` skips the article rules, as data from before they existed.

    Raises:
        Invalid: no such ticket, a foreign or already booked article, no such type.
        BadArgument: the amount is null or outside decimal(6,2).
    """
    if ticket_id not in store.tickets:
        raise Invalid("Ticket must exist")
    entry_id = columns.pop("id", None) or store.entries.next_id
    if not legacy:
        _check_article(store, ticket_id, ticket_article_id, entry_id)
    _check_type(store, type_id)
    now = store.now_text()
    entry = TimeAccounting(
        id=entry_id,
        ticket_id=ticket_id,
        ticket_article_id=ticket_article_id,
        time_unit=_amount(time_unit),
        type_id=type_id,
        created_by_id=columns.pop("created_by_id", store.actor),
        created_at=columns.pop("created_at", now),
        updated_at=columns.pop("updated_at", now),
    )
    entry = store.put(store.entries, entry)
    recompute(store, ticket_id)
    return entry


def correct(store: Store, entry: TimeAccounting, **columns: Any) -> TimeAccounting:
    """Change an entry; nothing at all happens when no column differs.

    Raises:
        Invalid: the article is booked already, or no such type.
        BadArgument: the amount is null or outside decimal(6,2).
    """
    if "time_unit" in columns:
        columns["time_unit"] = _amount(columns["time_unit"])
    if "type_id" in columns:
        _check_type(store, columns["type_id"])
    if columns.get("ticket_article_id") not in (None, entry.ticket_article_id):
        _check_unique(store, columns["ticket_article_id"], entry.id)
    new = msgspec.structs.replace(entry, **columns)
    if new == entry:
        return entry
    new = msgspec.structs.replace(new, updated_at=columns.get("updated_at", store.now_text()))
    new = store.put(store.entries, new)
    recompute(store, new.ticket_id)
    return new


def remove(store: Store, entry: TimeAccounting) -> None:
    """Delete an entry; nothing remains of it but the ticket's new total."""
    store.drop(store.entries, entry.id)
    recompute(store, entry.ticket_id)


def recompute(store: Store, ticket_id: int) -> None:
    """Save the ticket's total, only if it differs.

    Raises:
        BadArgument: the total is outside decimal(6,2).
    """
    ticket = store.tickets[ticket_id]
    total = Decimal(store.entries.total(ticket_id)).scaleb(-2)
    if Decimal(ticket.time_unit or 0) == total:
        return
    if abs(total) > amounts.LIMIT:
        raise BadArgument("PG::NumericValueOutOfRange: ERROR: numeric field overflow")
    ticketing.change_ticket(store, ticket_id, time_unit=amounts.shown(total))


def delete_article(store: Store, article_id: int) -> None:
    """Remove an article and its entry; the ticket changes only if its total does."""
    for entry in store.entries.where("article", article_id):
        remove(store, entry)
    store.drop(store.articles, article_id)


def add_type(store: Store, *, name: Any, **columns: Any) -> ActivityType:
    """Create an activity type.

    Raises:
        Invalid: the name is missing or taken, or the note is too long.
    """
    _check_type_columns(store, {"name": name, **columns}, 0)
    now = store.now_text()
    columns.setdefault("id", store.types.next_id)
    return store.put(
        store.types,
        ActivityType(
            name=str(name),
            created_by_id=store.actor,
            updated_by_id=store.actor,
            created_at=now,
            updated_at=now,
            **columns,
        ),
    )


def change_type(store: Store, row: ActivityType, **columns: Any) -> ActivityType:
    """Rename, annotate, activate or deactivate a type.

    Raises:
        Invalid: the name is missing or taken, or the note is too long.
    """
    _check_type_columns(store, columns, row.id)
    new = msgspec.structs.replace(row, **columns)
    if new == row:
        return row
    new = msgspec.structs.replace(new, updated_at=store.now_text(), updated_by_id=store.actor)
    return store.put(store.types, new)


def _check_type_columns(store: Store, columns: dict[str, Any], own_id: int) -> None:
    if "name" in columns:
        if not columns["name"]:
            raise Invalid("Name can't be blank")
        same = store.types.one("name", str(columns["name"]).lower())
        if same is not None and same.id != own_id:
            raise Invalid("Name has already been taken")
    if len(columns.get("note") or "") > NOTE_LIMIT:
        raise Invalid(f"Note is too long (maximum is {NOTE_LIMIT} characters)")
