"""Conditions of a question as SQL: only those that were asked for.

A condition that says "or nothing was asked" keeps PostgreSQL from using an index for the rest.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FIRST = 3  # $1 is the log, $2 the position as of which

# A template with {} where its value goes, and the value; None when it is not asked for.
Condition = tuple[str, object]
NO_VALUE = object()  # asked for, and the template says all


@dataclass(frozen=True)
class Where:
    """Conditions joined by AND, each with AND before it, and their values from `$3` on."""

    text: str = ""
    values: tuple[object, ...] = ()

    @property
    def free(self) -> int:
        """The number of the first parameter that is not taken."""
        return FIRST + len(self.values)


def where(conditions: Iterable[Condition]) -> Where:
    """Those conditions that are asked for."""
    texts: list[str] = []
    values: list[object] = []
    for template, value in conditions:
        if value is None:
            continue
        if value is NO_VALUE:
            texts.append(f" AND {template}")
        else:
            texts.append(f" AND {template.format(f'${FIRST + len(values)}')}")
            values.append(value)
    return Where("".join(texts), tuple(values))
