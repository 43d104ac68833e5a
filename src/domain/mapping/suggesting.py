"""What a mapping for those who wait for one could say: suggested, never applied by itself.

People are never matched by name: two may share one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.ports.choices import Choice


class Basis(StrEnum):
    """Why it is suggested, the best reason first.

    `history`: it was mapped so before, or most of what was carried over lately went there.
    """

    EMAIL = "email"
    SAME_NAME = "same_name"
    HISTORY = "history"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Whose bookings wait for a mapping, how many they are and how long together.

    `source_id` None: bookings without type. `source_kind` is what a project mapping would name.
    """

    kind: str  # activities, users or projects
    source_id: int | None
    name: str
    email: str | None = None
    source_kind: str | None = None
    entries: int
    minutes: Decimal


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where they could go; `kind` says for projects whether it is a customer or a project."""

    item_id: int
    name: str
    kind: str | None = None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    source: Source
    target: Target | None = None
    basis: Basis | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What went where: a source (id or name), and a target that it had `times` times."""

    source: int | str | None
    target: int
    times: int = 1


def majority(found: Iterable[Found]) -> Mapping[int | str | None, int]:
    """The target that more than half of a source's cases had; none where they disagree."""
    counts: defaultdict[int | str | None, Counter[int]] = defaultdict(Counter)
    for each in found:
        counts[each.source][each.target] += each.times
    return {
        source: target
        for source, targets in counts.items()
        for target, times in targets.most_common(1)
        if 2 * times > targets.total()
    }


def by_name(choices: Iterable[Choice]) -> Mapping[str, Choice]:
    """Active ones by name; names that several have stand for none of them."""
    names: defaultdict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        if choice.active:
            names[_folded(choice.name)].append(choice)
    return {name: some[0] for name, some in names.items() if len(some) == 1 and name}


def by_email(choices: Iterable[Choice]) -> Mapping[str, Choice]:
    """The same by e-mail address."""
    emails: defaultdict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        if choice.active and choice.email:
            emails[_folded(choice.email)].append(choice)
    return {email: some[0] for email, some in emails.items() if len(some) == 1}


@dataclass(frozen=True)
class Hints:
    """What is known of one kind of target: `choices` None when Kimai was not asked, or refuses.

    `former` is by source what a person once mapped it to, `carried` where most of it went. `names`
    are those that mappings know, for when Kimai does not tell.
    """

    choices: Sequence[Choice] | None
    former: Mapping[int | str | None, int]
    carried: Mapping[int | str | None, int]
    kind: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)

    def of_history(self, *keys: int | str | None) -> Target | None:
        """What is known of the first of these that there is something known of."""
        for known in (self.former, self.carried):
            for key in keys:
                if key in known:
                    return self._target(known[key])
        return None

    def _target(self, item_id: int) -> Target | None:
        if self.choices is None:
            name = self.names.get(item_id, "")
            return Target(item_id=item_id, name=name, kind=self.kind)
        there = [each for each in self.choices if each.item_id == item_id and each.active]
        return self.as_target(there[0]) if there else None

    def as_target(self, choice: Choice) -> Target:
        return Target(item_id=choice.item_id, name=choice.name, kind=self.kind)


def for_activity(source: Source, hints: Hints) -> Suggestion:
    """An activity of the type's name, or where it went before."""
    same = by_name(hints.choices or ()).get(_folded(source.name))
    if same is not None and source.source_id is not None:
        return Suggestion(source=source, target=hints.as_target(same), basis=Basis.SAME_NAME)
    return _by_history(source, hints.of_history(source.source_id))


def for_user(source: Source, hints: Hints) -> Suggestion:
    """The one user with the same e-mail address, or whom the bookings went to before."""
    same = by_email(hints.choices or ()).get(_folded(source.email or ""))
    if same is not None:
        return Suggestion(source=source, target=hints.as_target(same), basis=Basis.EMAIL)
    return _by_history(source, hints.of_history(source.source_id))


def for_project(source: Source, customers: Hints, projects: Hints) -> Suggestion:
    """A customer of the organization's name, else a project of it, else where it went before."""
    if source.source_kind == "organization":
        for hints in (customers, projects):
            same = by_name(hints.choices or ()).get(_folded(source.name))
            if same is not None:
                target = hints.as_target(same)
                return Suggestion(source=source, target=target, basis=Basis.SAME_NAME)
    keys = (source.source_id, source.name) if source.name else (source.source_id,)
    return _by_history(source, projects.of_history(*keys) or customers.of_history(*keys))


def most_waiting(suggestions: Iterable[Suggestion], limit: int) -> Sequence[Suggestion]:
    """The first `limit`: by entries, then by minutes."""
    ordered = sorted(
        suggestions,
        key=lambda each: (
            -each.source.entries,
            -each.source.minutes,
            each.source.kind,
            each.source.source_id or 0,
        ),
    )
    return ordered[:limit]


def _by_history(source: Source, target: Target | None) -> Suggestion:
    basis = None if target is None else Basis.HISTORY
    return Suggestion(source=source, target=target, basis=basis)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
