"""Put the believable month into the two sandbox peers."""

from adapters.sandbox.kimai.state import KimaiState
from adapters.sandbox.month import AGENTS, GROUP, ORGANIZATIONS, TYPES, Month
from adapters.sandbox.zammad import ZammadState

WITHOUT_PROJECT = 10  # this organization is new: nobody made a project for it yet
ADMINISTRATOR = "admin@northwind-it.example"


def fill_zammad(state: ZammadState, month: Month, *, token: str) -> None:
    """People, customers, tickets and bookings; booking n of the month becomes entry n + 1."""
    group = state.add_group(GROUP).id
    agents = [
        state.add_agent(
            agent.email,
            login=agent.login,
            firstname=agent.first_name,
            lastname=agent.last_name,
            groups={group: ["full"]},
        ).id
        for agent in AGENTS
    ]
    administrator = state.add_agent(
        ADMINISTRATOR,
        firstname="Time",
        lastname="Ledger",
        role_ids=[1, 2],
        groups={group: ["full"]},
    ).id
    permissions = ["ticket.agent", "admin.time_accounting", "admin.version"]
    state.add_token(administrator, permissions=permissions, secret=token)
    state.set_setting("time_accounting", value=True)
    state.set_setting("time_accounting_unit", value="minute")
    state.set_setting("time_accounting_types", value=True)
    types = [state.add_type(name).id for name in TYPES]
    tickets = _tickets(state, month, group, agents[0])
    for one in month.bookings:
        text, kind = one.text, None if one.kind is None else types[one.kind]
        by, at, ticket = agents[one.agent], one.created_at, tickets[one.ticket]
        amount = str(one.minutes)
        if text is None:
            state.book(ticket, amount, type_id=kind, by=by, at=at)
        else:
            state.add_article(ticket, text, time_unit=amount, time_type_id=kind, by=by, at=at)


def _tickets(state: ZammadState, month: Month, group: int, owner: int) -> list[int]:
    customers: list[int] = []
    began = month.tickets[0].created_at
    for organization in ORGANIZATIONS:
        first, last = organization.contact
        home = state.add_organization(organization.name, domain=organization.domain, at=began)
        email = f"{first}.{last}@{organization.domain}".lower()
        customers.append(
            state.add_customer(
                email, firstname=first, lastname=last, organization_id=home.id, at=began
            ).id
        )
    return [
        state.add_ticket(
            title=ticket.title,
            group_id=group,
            customer_id=customers[ticket.organization],
            by=owner,
            at=ticket.created_at,
        ).id
        for ticket in month.tickets
    ]


def have_second_thoughts(state: ZammadState, month: Month) -> None:
    """What agents did after the first sync: edits, deletions, a negative correction, a merge."""
    thoughts = month.second_thoughts
    types = {row.name: row.id for row in state.types}
    for n, minutes in thoughts.edited:
        state.correct(n + 1, time_unit=str(minutes))
    for n, kind in thoughts.retyped:
        state.correct(n + 1, type_id=types[TYPES[kind]])
    for n in thoughts.deleted:
        state.delete_entry(n + 1)
    for n, minutes in thoughts.corrected:
        wrong = state.entries[n + 1]
        state.book(wrong.ticket_id, str(minutes), type_id=wrong.type_id, by=wrong.created_by_id)
    tickets = sorted(row.id for row in state.tickets)
    source, target = thoughts.merged
    state.merge_tickets(tickets[source], tickets[target])


def fill_kimai(state: KimaiState, *, token: str) -> None:
    """The same people, a customer and a project for each organization, and the activities."""
    state.add_user(
        "timeledger",
        roles=["ROLE_SUPER_ADMIN"],
        timezone="Europe/Brussels",
        token=token,
        email=ADMINISTRATOR,
    )
    for agent in AGENTS:
        alias = f"{agent.first_name} {agent.last_name}"
        state.add_user(agent.login, timezone=agent.zone, email=agent.email, alias=alias)
    for n, organization in enumerate(ORGANIZATIONS):
        if n == WITHOUT_PROJECT:
            continue
        customer = state.add_customer(organization.name, timezone="Europe/Brussels")
        state.add_project(f"Service desk {organization.name}", customer.id)
    for name in TYPES[:-1]:
        state.add_activity(name)
