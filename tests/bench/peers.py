"""Both sandbox peers in a process of their own, filled with many plain bookings.

`python -m tests.bench.peers BOOKINGS [corrected]` prints its two addresses as JSON and runs until
its standard input ends, so that it never outlives the bench that started it.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import uvloop

from adapters.sandbox.kimai import KimaiState, create_kimai_app
from adapters.sandbox.serve import running
from adapters.sandbox.zammad import ZammadState, create_zammad_app

ZAMMAD_TOKEN, KIMAI_TOKEN = "zammad-bench", "kimai-bench"
AGENTS = 8
PER_TICKET = 5
DAYS = 20  # the bookings lie in the last days, inside the usual range of a run


def zammad(bookings: int, *, corrected: bool = False) -> ZammadState:
    """Agents, one customer, and bookings: every second one with an article.

    `corrected`: every second booking of an agent takes a part of those before it back, and all of
    them are on one ticket.
    """
    state = ZammadState()
    group = state.add_group("Service Desk").id
    home = state.add_organization("Aldermoor Logistics").id
    customer = state.add_customer("hanna@aldermoor.example", organization_id=home).id
    agents = [
        state.add_agent(f"agent{n}@example.com", firstname="Agent", lastname=str(n)).id
        for n in range(AGENTS)
    ]
    owner = state.add_agent("sync@example.com", role_ids=[1, 2], groups={group: ["full"]}).id
    permissions = ["ticket.agent", "admin.time_accounting"]
    state.add_token(owner, permissions=permissions, secret=ZAMMAD_TOKEN)
    kind = state.add_type("Support").id
    began = datetime.now(UTC) - timedelta(days=DAYS)
    step = timedelta(days=DAYS - 1) / bookings
    for n in range(bookings):
        if n % PER_TICKET == 0 and not (corrected and n):
            ticket = state.add_ticket(
                title=f"Ticket {n}", group_id=group, customer_id=customer, at=began
            ).id
        by, at, amount = agents[n % AGENTS], began + step * n, str(5 + n % 40)
        if corrected:
            amount = "-15" if n // AGENTS % 2 else "20"  # a ticket's total has four digits
        if n % 2 or corrected:
            state.book(ticket, amount, type_id=kind, by=by, at=at)
        else:
            state.add_article(ticket, "Done.", time_unit=amount, time_type_id=kind, by=by, at=at)
    return state


def kimai() -> KimaiState:
    """The same agents, one project and one activity, both with id 1."""
    state = KimaiState()
    state.add_user("sync", roles=["ROLE_SUPER_ADMIN"], timezone="Europe/Berlin", token=KIMAI_TOKEN)
    for n in range(AGENTS):
        state.add_user(f"agent{n}", email=f"agent{n}@example.com", timezone="Europe/Berlin")
    state.add_project("Service desk", state.add_customer("Aldermoor Logistics").id)
    state.add_activity("Support")
    return state


async def main(bookings: int, *, corrected: bool) -> None:
    async with (
        running(create_zammad_app(zammad(bookings, corrected=corrected))) as zammad_url,
        running(create_kimai_app(kimai())) as kimai_url,
    ):
        print(json.dumps([zammad_url, kimai_url]), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def peers(bookings: int, *, corrected: bool = False) -> Iterator[tuple[str, str]]:
    """The addresses of Zammad and Kimai, in another process, for as long as the block."""
    command = [sys.executable, "-m", "tests.bench.peers", str(bookings)]
    if corrected:
        command.append("corrected")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            zammad_url, kimai_url = json.loads(process.stdout.readline())
            yield zammad_url, kimai_url
        finally:
            process.stdin.close()
            process.wait(timeout=20)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), corrected="corrected" in sys.argv))
