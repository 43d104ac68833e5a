"""What changed between two instants: contract, section 13."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from adapters.postgres.differing import Counts, Ends
from api.as_of import named
from api.cursors import decoded, encoded
from api.identity import Own, Viewer
from api.past_shapes import DiffKind, DiffPage
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Services
from api.showing import shown_connector
from domain.personal import Personal
from projections.audit_log import SECRETS
from projections.connectors import MASK
from projections.differing import CONFLICT, KINDS, NAMES, Values, differences

CURSOR = "diff"
FEW = "schedule"  # one object, which every due run touches and few change
MASKED = {event.TYPE: field for event, field in SECRETS.items()}

router = APIRouter(tags=["audit"], route_class=LedgerRoute)


@router.get("/diff", response_model=DiffPage)
async def diff(
    _: Viewer,
    own: Own,
    first: Annotated[str, Query(alias="from", max_length=100)],
    to: Annotated[str | None, Query(max_length=100)] = None,
    kind: DiffKind | None = None,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> object:
    """Objects that something happened to after `from`, up to `to`: `position:<n>` or an instant."""
    begin, end = await _range(own, first, to)
    kinds: Sequence[str] = NAMES if kind is None else (kind,)
    at, number = kinds[0], 0
    if cursor is None:
        counts = {each: vars(await _count(own, each, begin, end)) for each in kinds}
    else:  # the end and the counts are those of the first page, whatever happened since
        which, end, at, number, counts = decoded(CURSOR, cursor, own.secret)
        if which != [begin, kind]:
            raise Problem("cursor_invalid", "This cursor is not one of this list.")
    items: list[Mapping[str, Any]] = []
    for each in kinds[kinds.index(at) :]:
        after = number if each == at else 0
        left = limit + 1 - len(items)
        found = await own.differing.page(each, begin, end, after=after, limit=left)
        items += [item for item in (_item(own, each, ends) for ends in found) if item is not None]
        if len(items) > limit:
            break
    page = items[:limit]
    following = None
    if len(items) > limit:
        place = [[begin, kind], end, page[-1]["kind"], page[-1]["id"], counts]
        following = encoded(CURSOR, place, own.secret)
    return {
        "from": {"position": begin, "at": await own.differing.instant(begin)},
        "to": {"position": end, "at": await own.differing.instant(end)},
        "counts": counts,
        "items": page,
        "next_cursor": following,
    }


async def _range(own: Services, first: str, to: str | None) -> tuple[int, int]:
    begin, since = await named(own, "from", first)
    head = f"position:{await own.store.head()}"
    end, until = await named(own, "to", head if to is None else to)
    if begin > end or (since and until and since > until):
        raise Problem("range_invalid", "from lies after to.")
    return begin, end


async def _count(own: Services, kind: str, begin: int, end: int) -> Counts:
    if kind != FEW:
        return await own.differing.count(kind, begin, end)
    found = await own.differing.page(kind, begin, end, after=0, limit=1)
    items = [item for item in (_item(own, kind, ends) for ends in found) if item is not None]
    return Counts(**{item["change"]: 1 for item in items})


def _item(own: Services, kind: str, ends: Ends) -> Mapping[str, Any] | None:
    """The contract's item; None for what only shows that something came due."""
    before, after = _shown(own, kind, ends.before), _shown(own, kind, ends.after)
    changes = [
        {"field": field, "before": old, "after": new}
        for field, old, new in differences(before, after)
    ]
    if kind == FEW and not changes:
        return None
    secrets = sorted({MASKED[each] for each in ends.types & MASKED.keys()})
    changes += [{"field": field, "before": MASK, "after": MASK} for field in secrets]
    return {
        "kind": kind,
        "id": ends.number,
        "label": _label(kind, after or before or {}),
        "change": "added" if before is None else "removed" if after is None else "changed",
        "changes": changes,
        "positions": ends.positions,
        "actors": [{"kind": each.kind, "name": _name(each.name)} for each in ends.actors],
    }


def _shown(own: Services, kind: str, row: Any) -> Values | None:
    if row is None or kind == CONFLICT:
        return row  # type: ignore[no-any-return] # a conflict comes as values
    if kind == "connector":
        return shown_connector(row, own.settings.display_timezone)
    return KINDS[kind].shown(row)


def _label(kind: str, shown: Values) -> str:
    if kind == CONFLICT:
        return f"{shown['reason_code']} of entry {shown['entry_id']}" if shown else ""
    return KINDS[kind].label(shown)


def _name(name: str | Personal) -> str | None:
    return name if isinstance(name, str) else name.value
