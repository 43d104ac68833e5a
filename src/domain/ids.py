"""Identities: small integers for people, names for streams, UUIDs for the ledger."""

import uuid
from datetime import date
from functools import lru_cache
from typing import NewType

ChannelId = NewType("ChannelId", int)
ConnectorId = NewType("ConnectorId", int)
EntryId = NewType("EntryId", int)
MappingId = NewType("MappingId", int)
PlanId = NewType("PlanId", int)
RunId = NewType("RunId", int)
UserId = NewType("UserId", int)

ENTRIES_PER_CONNECTOR = 10_000_000_000  # Zammad ids are 32-bit, so 10^10 keeps the pair readable
STREAM_NAMESPACE = uuid.UUID("7b0f4a52-0c4e-5d2f-9a58-0c7f0b0c5e11")


def entry_id(connector: ConnectorId, source_id: int) -> EntryId:
    """The entry of one booking, the same whoever computes it: 1 and 9 give 10000000009.

    A booking seen twice therefore meets itself in one stream; no table hands out numbers.
    Raises ValueError when `source_id` is not a positive 32-bit integer.
    """
    if not 0 < source_id < ENTRIES_PER_CONNECTOR:
        raise ValueError(f"Zammad entry id out of range: {source_id}")
    return EntryId(connector * ENTRIES_PER_CONNECTOR + source_id)


def source_of(entry: EntryId) -> tuple[ConnectorId, int]:
    """The connector and the Zammad id that `entry_id` was made of."""
    connector, source_id = divmod(entry, ENTRIES_PER_CONNECTOR)
    return ConnectorId(connector), source_id


@lru_cache(maxsize=10_000)  # a stream is read, appended to and read again
def stream_uuid(name: str) -> uuid.UUID:
    """The id under which a readable stream name is stored."""
    return uuid.uuid5(STREAM_NAMESPACE, name)


def entry_stream(entry: EntryId) -> str:
    return f"time-entry-{entry}"


def run_stream(run: RunId) -> str:
    return f"sync-run-{run}"


def run_of(stream: str) -> RunId:
    """The run whose stream it is."""
    return RunId(int(stream.rpartition("-")[2]))


def plan_stream(plan: PlanId) -> str:
    return f"plan-{plan}"


def plan_rows_stream(plan: PlanId) -> str:
    """Apart from the plan itself, which stays small however many rows it has."""
    return f"plan-rows-{plan}"


def work_day_stream(connector: ConnectorId, agent: int, day: date) -> str:
    """One for each day of each person who books in Zammad."""
    return f"work-day-{entry_id(connector, agent)}{day:%Y%m%d}"


def connector_stream(connector: ConnectorId) -> str:
    return f"connector-{connector}"


def channel_stream(channel: ChannelId) -> str:
    return f"channel-{channel}"


def mapping_stream(mapping: MappingId) -> str:
    return f"mapping-{mapping}"


def user_mapping_stream(mapping: MappingId) -> str:
    return f"user-mapping-{mapping}"


def project_mapping_stream(mapping: MappingId) -> str:
    return f"project-mapping-{mapping}"


def waiting_stream(connector: ConnectorId) -> str:
    """What became of the bookings of a Zammad connector that waited."""
    return f"waiting-{connector}"


def target_item_stream(connector: ConnectorId, item: str, owner: str, source_id: int) -> str:
    """A customer or project of Kimai connector `connector`, by what it is made for in Zammad."""
    return f"target-{item}-{owner}-{entry_id(connector, source_id)}"


def target_names_stream(connector: ConnectorId) -> str:
    return f"target-names-{connector}"


def delivery_stream(delivery_id: str) -> str:
    """Of a webhook delivery, by the id that Zammad gave it: any text, so it is no number."""
    return f"{DELIVERY_KIND}-{delivery_id}"


def is_delivery(stream: str) -> bool:
    return stream.startswith(f"{DELIVERY_KIND}-")


def user_stream(user: UserId) -> str:
    return f"user-{user}"


DELIVERY_KIND = "delivery"
LOGIN_STREAM = "login"
SCHEDULE_STREAM = "schedule"
MAPPING_IMPORT_STREAM = "mapping-import"
PRIVACY_STREAM = "privacy"
