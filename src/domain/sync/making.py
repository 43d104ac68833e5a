"""Find or make the Kimai projects that bookings need, when their settings allow it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from domain.connector.settings import KimaiSettings
from domain.errors import OutcomeUnknown, Rejected, Unavailable
from domain.ids import EntryId
from domain.ports.timesheets import TargetItem
from domain.rules import making as texts
from domain.rules.wanted import customer_creation, project_creation
from domain.sync.limits import Limits
from domain.sync.tally import Tally
from domain.sync.target_items import TargetItems
from domain.sync.writing import Withheld
from domain.target_item.values import LONGEST, Creation, ItemKind, Lacking, Wanted, WantedKey
from domain.time_entry.state import Wait

MISSING = 0  # in a rehearsal: the id of a project that a run would make

CreationGate = Callable[[Sequence[EntryId], Sequence[Creation]], None]


def open_creation_gate(_entries: Sequence[EntryId], _creations: Sequence[Creation]) -> None:
    """An ordinary run makes whatever its settings allow."""


@dataclass
class Maker:
    """The projects of one run; `found` is what it found out, by what was wanted.

    `gate` sees for which entries what is about to be made, and raises Withheld to stop it: those
    entries stay undecided, and in a rehearsal get `MISSING` for an id.
    """

    items: TargetItems
    kimai: KimaiSettings
    limits: Limits
    tally: Tally
    check_cancelled: Callable[[], None]
    gate: CreationGate = open_creation_gate
    rehearsed: bool = False
    found: dict[WantedKey, int | Wait] = field(default_factory=dict)

    async def look(self) -> str:
        """Read all customers and projects, once; a digest of what of that concerns us."""
        return await self.items.look()

    async def provide(self, lacking: Sequence[Lacking]) -> None:
        """Answer each in `found`, where that could be found out; else it is left to the next run.

        Raises Misconfigured, and what the ledger raises. `look` must have been called.
        """
        groups: dict[WantedKey, list[Lacking]] = defaultdict(list)
        for one in lacking:
            groups[one.wanted.key].append(one)
        slots = asyncio.Semaphore(self.limits.writers)

        async def answer(key: WantedKey, ones: Sequence[Lacking]) -> None:
            async with slots:
                self.check_cancelled()
                try:
                    found = await self._answer(ones)
                except (Unavailable, OutcomeUnknown, Rejected) as error:
                    number = ones[0].wanted.project.owner.number
                    self.tally.problems.append(f"project {number} was not provided: {error}")
                    return
            if found is not None:
                self.found[key] = found

        every = (answer(key, ones) for key, ones in groups.items())
        done = await asyncio.gather(*every, return_exceptions=True)
        for failed in done:
            if failed is not None:
                raise failed

    async def _answer(self, ones: Sequence[Lacking]) -> int | Wait | None:
        wanted = ones[0].wanted
        owner = wanted.project.owner
        if len(owner.number) > LONGEST[ItemKind.PROJECT]:
            return texts.too_long(owner)
        customer = await self._customer(wanted)
        if isinstance(customer, Wait):
            return customer
        project = await self.items.known(ItemKind.PROJECT, owner)
        if isinstance(project, Wait):
            return project
        if project is None:
            return await self._make(ones, wanted, customer)
        if project.parent_id == customer:
            return project.item_id
        return texts.of_another_customer(project, wanted, customer)

    async def _customer(self, wanted: Wanted) -> int | Wait | None:
        """Its id in Kimai; None when there is none yet."""
        if isinstance(wanted.customer, int):
            return wanted.customer
        found = await self.items.known(ItemKind.CUSTOMER, wanted.customer.owner)
        return found.item_id if isinstance(found, TargetItem) else found

    async def _make(
        self, ones: Sequence[Lacking], wanted: Wanted, customer: int | None
    ) -> int | Wait | None:
        """The project, and before it the customer where there is none."""
        creations = self._creations(wanted, customer)
        if isinstance(creations, Wait):
            return creations
        try:
            self.gate([one.entry_id for one in ones], creations)
        except Withheld:
            return MISSING if self.rehearsed else None
        asked = any(one.asked for one in ones)
        if customer is None:
            assert not isinstance(wanted.customer, int)
            owner = wanted.customer.owner
            made = await self.items.make(ItemKind.CUSTOMER, owner, creations[0], asked=asked)
            if not isinstance(made, int):
                return made
            customer = made
        creation = project_creation(wanted.project, customer)
        owner = wanted.project.owner
        return await self.items.make(ItemKind.PROJECT, owner, creation, asked=asked)

    def _creations(self, wanted: Wanted, customer: int | None) -> Sequence[Creation] | Wait:
        """What has to be made, in this order, as far as ids are known; or that it may not be."""
        if not self.kimai.auto_create_projects:
            missing = ItemKind.PROJECT if customer is not None else ItemKind.CUSTOMER
            return texts.not_made(ItemKind.PROJECT, wanted.project.owner, missing)
        if customer is not None:
            return [project_creation(wanted.project, customer)]
        assert not isinstance(wanted.customer, int)
        owner = wanted.customer.owner
        if not self.kimai.auto_create_customers:
            return texts.not_made(ItemKind.CUSTOMER, owner, ItemKind.CUSTOMER)
        return [
            customer_creation(wanted.customer, self.kimai),
            project_creation(wanted.project, owner.number),
        ]
