"""The digest of a plan's rows: what is applied is what was read, row for row."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from domain.personal import Personal
from domain.plan.values import Action, PlanRow
from domain.time_entry.values import Request, Written


class RowsDigest:
    """SHA-256 over the rows in their order, each one line of JSON with sorted keys."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def add(self, row: PlanRow) -> None:
        plain = {name: _plain(value) for name, value in vars(row).items()}
        if not row.creates:
            del plain["creates"]  # as the rows of older plans have it
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self._sum.update(text.encode() + b"\n")

    @property
    def text(self) -> str:
        """`sha256:<hex>` of the rows so far."""
        return f"sha256:{self._sum.hexdigest()}"


def fingerprint(row: PlanRow) -> bytes:
    """Equal for rows that do the same to the same: action, request, and what they start from."""
    return fingerprint_of(row.action, row.request, row.before)


def fingerprint_of(action: Action, request: Request | None, before: Written | None) -> bytes:
    """The same of its parts."""
    what = [_plain(part) for part in (action, request, before)]
    return hashlib.sha256(json.dumps(what, sort_keys=True, ensure_ascii=False).encode()).digest()


def _plain(value: object) -> object:  # noqa: C901, PLR0911 # one flat branch per kind of value
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case Decimal():
            return str(value)
        case timedelta():
            return str(value.total_seconds())
        case date():
            return value.isoformat()
        case Personal():
            return value.value
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a plan")
