"""Erasing a person: the event first, then everything that it says, to the end (decision 25).

The event is what makes an erasure true. Whoever meets it destroys the keys and scrubs the views,
so a crash in between only delays what follows: `finish_erasures` at the next start, and the
projections when they come to it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from api.identity import account_of
from api.problems import Problem
from api.routes.users import other_admins
from api.services import Commands, Services
from domain.account.commands import ChangeUser
from domain.account.decide import ACCOUNT, holds
from domain.errors import RuleViolation, StreamMovedOn
from domain.event import Append
from domain.handling import ATTEMPTS, state_of
from domain.ids import PRIVACY_STREAM, UserId, user_stream
from domain.privacy.decide import PRIVACY, Erase, Held
from domain.privacy.events import SubjectErased

VIEWS_PATIENCE = 20.0  # seconds to wait for the views; what is left goes on without us


async def held(own: Services, subject: str) -> tuple[Held, list[int]]:
    """What is held about the person, and the positions of the events that name it.

    Raises Problem: `not_found`, `subject_erased`.
    """
    generation, alive = await own.people.generation(subject)
    if not generation:
        raise Problem("not_found", "There is no such subject.")
    if not alive:
        raise Problem("subject_erased", f"{subject} is erased already.")
    positions = await own.people.naming(subject)
    return await own.people.held(subject, generation, len(positions)), positions


async def erase(own: Services, commands: Commands, subject: str) -> SubjectErased:
    """Erase the person for good; an account is closed first.

    Raises:
        Problem: `not_found`, `subject_erased`.
        RuleViolation: `last_admin`, `subject_erased`.
    """
    found, _ = await held(own, subject)
    releases = await _close_account(own, commands, subject)
    event = await _record(own, commands, Erase(held=found), releases)
    await _carry_out(own, event)
    await own.projections.wait_for(commands.position, within=VIEWS_PATIENCE)
    await own.keyed.empty(own.clock.now())  # also what was answered from the views meanwhile
    return event


async def finish_erasures(own: Services) -> None:
    """Carry out what was recorded, whether or not that was done; the views see to themselves."""
    for recorded in await own.store.read_recorded(PRIVACY_STREAM):
        if isinstance(recorded.event, SubjectErased):
            await _carry_out(own, recorded.event)
            await own.keyed.empty(recorded.recorded_at + timedelta(seconds=VIEWS_PATIENCE))


async def erased_at(own: Services, position: int) -> datetime:
    """When it was recorded."""
    at = await own.differing.instant(position)
    assert at is not None
    return at


async def _carry_out(own: Services, event: SubjectErased) -> None:
    await own.store.erase(event.subject, upto=event.generation)
    if (number := _account(event.subject)) is not None:
        await own.credentials.drop_all(number)


async def _close_account(own: Services, commands: Commands, subject: str) -> tuple[str, ...]:
    """Deactivate the account, if it is one; the unique values that it gives up."""
    number = _account(subject)
    account = None if number is None else await account_of(own, number)
    if number is None or account is None:
        return ()
    command = ChangeUser(is_active=False, other_admins=await other_admins(own, number))
    await commands.run(ACCOUNT, user_stream(UserId(number)), command, holds)
    return tuple(holds(account))


async def _record(
    own: Services, commands: Commands, command: Erase, releases: tuple[str, ...]
) -> SubjectErased:
    for _ in range(ATTEMPTS):
        history = await own.store.read(PRIVACY_STREAM)
        state = await state_of(own.store, PRIVACY, PRIVACY_STREAM)
        events = PRIVACY.decide(command, state)
        append = Append(
            stream=PRIVACY_STREAM,
            events=events,
            metadata=commands.metadata,
            occurred_at=commands.now,
            expected=history.version,
            releases=releases,
        )
        try:
            await commands.append(append)
        except StreamMovedOn:
            continue
        (event,) = events
        assert isinstance(event, SubjectErased)
        return event
    raise RuleViolation("stale_version", "Others are erasing at the same time; try again.")


def _account(subject: str) -> int | None:
    kind, _, number = subject.partition(":")
    return int(number) if kind == "account" and number != "0" else None


def shown(event: SubjectErased) -> Mapping[str, object]:
    """What the answer says of it."""
    return {"subject": event.subject, "events": event.events, "entries": event.entries}
