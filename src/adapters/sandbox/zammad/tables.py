"""Tables in memory: rows by id, kept in id order, with secondary indexes."""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> int: ...


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows of one kind. Rows are immutable: a change is a `put` of the next version."""

    def __init__(self, name: str, /, **indexes: Callable[[R], Hashable | None]) -> None:
        """`indexes` are named key functions; a row whose key is None is not in that index."""
        self.name = name
        self.rows: dict[int, R] = {}
        self.ids: list[int] = []  # ascending
        self.next_id = 1  # never reused, as a sequence
        self._keys = indexes
        self._found: dict[str, dict[Hashable, dict[int, None]]] = {name: {} for name in indexes}

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, row_id: object) -> bool:
        return row_id in self.rows

    def __getitem__(self, row_id: int) -> R:
        return self.rows[row_id]

    def __iter__(self) -> Iterator[R]:
        """Rows in id order."""
        rows = self.rows
        return (rows[i] for i in self.ids)

    def get(self, row_id: int | None) -> R | None:
        """The row, or None."""
        return None if row_id is None else self.rows.get(row_id)

    def put(self, row: R) -> R | None:
        """Insert or replace; returns the row it replaced."""
        old = self.rows.get(row.id)
        if old is None:
            if not self.ids or row.id > self.ids[-1]:
                self.ids.append(row.id)
            else:
                insort(self.ids, row.id)
            self.next_id = max(self.next_id, row.id + 1)
        else:
            self._unindex(old)
        self.rows[row.id] = row
        self._index(row)
        return old

    def drop(self, row_id: int) -> R:
        """Remove a row and return it."""
        row = self.rows.pop(row_id)
        del self.ids[bisect_left(self.ids, row_id)]
        self._unindex(row)
        return row

    def where(self, index: str, key: Hashable) -> list[R]:
        """Rows with that key, in id order."""
        rows = self.rows
        return [rows[i] for i in sorted(self._found[index].get(key, ()))]

    def one(self, index: str, key: Hashable) -> R | None:
        """The first row with that key, or None."""
        found = self._found[index].get(key)
        return self.rows[min(found)] if found else None

    def _index(self, row: R) -> None:
        for name, key_of in self._keys.items():
            if (key := key_of(row)) is not None:
                self._found[name].setdefault(key, {})[row.id] = None

    def _unindex(self, row: R) -> None:
        for name, key_of in self._keys.items():
            if (key := key_of(row)) is not None:
                found = self._found[name][key]
                del found[row.id]
                if not found:
                    del self._found[name][key]


class OrderedTable(Table[R]):
    """A table that also keeps its rows in the order of a text column, for quick sorted pages."""

    def __init__(
        self, name: str, column: str, /, **indexes: Callable[[R], Hashable | None]
    ) -> None:
        super().__init__(name, **indexes)
        self.column = column
        self.ordered: list[tuple[str, int]] = []  # (column, id), ascending

    def _index(self, row: R) -> None:
        super()._index(row)
        key = (getattr(row, self.column), row.id)
        if not self.ordered or key > self.ordered[-1]:
            self.ordered.append(key)
        else:
            insort(self.ordered, key)

    def _unindex(self, row: R) -> None:
        super()._unindex(row)
        del self.ordered[bisect_left(self.ordered, (getattr(row, self.column), row.id))]


class SummedTable(OrderedTable[R]):
    """An ordered table that keeps a sum per group: a new row costs the same in any group."""

    def __init__(
        self,
        name: str,
        column: str,
        group: Callable[[R], Hashable],
        amount: Callable[[R], int],
        /,
        **indexes: Callable[[R], Hashable | None],
    ) -> None:
        super().__init__(name, column, **indexes)
        self._group = group
        self._amount = amount
        self._sums: dict[Hashable, int] = {}

    def total(self, group: Hashable) -> int:
        """The sum over the rows of a group."""
        return self._sums.get(group, 0)

    def _index(self, row: R) -> None:
        super()._index(row)
        group = self._group(row)
        self._sums[group] = self._sums.get(group, 0) + self._amount(row)

    def _unindex(self, row: R) -> None:
        super()._unindex(row)
        self._sums[self._group(row)] -= self._amount(row)
