"""People whom Kimai knows by the same e-mail address get a row of their own among the mappings.

It is recorded as soon as a booking of theirs is met, before anything is decided with it, so that
people see who is taken for whom. From then on the row counts, whatever becomes of the addresses;
one that somebody set, changed or switched off by hand is never touched.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.errors import AlreadyClaimed, StreamMovedOn, Unavailable
from domain.event import Metadata
from domain.handling import handle
from domain.ids import MappingId, user_mapping_stream
from domain.mapping.decide import MAPPING, AddRow, holds
from domain.mapping.events import UserMappingSet
from domain.numbering import NumberTaken, with_next_number
from domain.personal import Personal
from domain.rules.configuration import Situation
from domain.rules.mapping import email_match
from domain.sync.ports import Ports
from domain.time_entry.values import Context

EMAIL = "email"


@dataclass
class Confirmer:
    """Records matches by e-mail for one run; each person once."""

    ports: Ports
    metadata: Metadata
    _met: set[int] = field(default_factory=set)

    async def confirm(self, situation: Situation, people: Iterable[tuple[int, Context]]) -> None:
        """A row for each of these (Zammad id, and what their booking says) who has none.

        A ledger that cannot be written to now leaves it to the next run.
        """
        for person, context in people:
            if person in self._met:
                continue
            self._met.add(person)
            user = email_match(situation, person, context)
            if user is None or person in situation.configuration.listed_people:
                continue
            try:
                await self._record(person, context, user, situation.user_names.get(user))
            except AlreadyClaimed:
                continue  # somebody else was quicker, by hand or in another run
            except (StreamMovedOn, NumberTaken, Unavailable):
                self._met.discard(person)

    async def _record(self, person: int, context: Context, user: int, name: str | None) -> None:
        subject = f"zammad-user:{person}"

        async def try_number(number: int) -> None:
            row = UserMappingSet(
                mapping_id=MappingId(number),
                zammad_user_id=person,
                zammad_user_name=context.agent_name,
                zammad_user_email=context.agent_email,
                kimai_user_id=user,
                kimai_user_name=Personal(subject, name) if name else None,
                is_active=True,
                origin=EMAIL,
            )
            await handle(
                self.ports.ledger,
                MAPPING,
                user_mapping_stream(MappingId(number)),
                AddRow(row=row),
                metadata=self.metadata,
                now=self.ports.clock.now(),
                holds=holds,
            )

        await with_next_number(
            self.ports.ledger, lambda number: user_mapping_stream(MappingId(number)), try_number
        )
