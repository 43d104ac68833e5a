"""Channels that are told of trouble: contract, section 9."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from pydantic import Field

from api.bodies import Body
from api.identity import Admin, Own, RequestCommands
from api.inputs import Expected, Number
from api.notification_shapes import ChannelOut, ChannelTest, Topic
from api.notifying import GONE, address_of, told
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services
from api.showing import row_now
from domain.channel.decide import (
    CHANNEL,
    MASK,
    AddChannel,
    ChangeChannel,
    Channel,
    RemoveChannel,
    holds,
)
from domain.channel.telling import TEST, trial
from domain.errors import Misconfigured, RuleViolation
from domain.event import Append
from domain.handling import state_of
from domain.ids import ChannelId, channel_stream
from domain.numbering import with_next_number
from domain.versions import require_version
from projections import channels

MOST = 100  # channels

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Address = Annotated[str, Field(max_length=4000)]
Topics = Annotated[list[Topic], Field(max_length=20)]
SHOWN_ONLY = frozenset({"id", "kind", "last_result", "created_at", "updated_at", "version"})

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=LedgerRoute)


class NewChannel(Body):
    read_only: ClassVar = SHOWN_ONLY

    name: Name
    url: Address | None = None
    events: Topics
    is_active: bool = True


class ChannelPatch(Body):
    read_only: ClassVar = SHOWN_ONLY

    name: Name = ""
    url: Address | None = None
    events: Topics = Field(default_factory=list)
    is_active: bool = True


@router.get("", response_model=list[ChannelOut])
async def list_channels(_: Admin, own: Own, response: Response) -> object:
    """All channels by id; there are at most 100."""
    rows = await own.views.all_rows(channels.PROJECTION)
    response.headers["X-Total-Count"] = str(len(rows))
    return [channels.shown(row) for row in rows]


@router.post("", status_code=201, response_model=ChannelOut)
async def add_channel(body: NewChannel, _: Admin, own: Own, commands: RequestCommands) -> object:
    """Add a channel; `url` is an Apprise address. 409 `name_taken`, 422 `insecure_url`."""
    address = _secret(body.url)
    if address is None:
        raise _bad_url("a channel needs an address")
    kind = await _kind_of(own, address)
    if len(await own.views.all_rows(channels.PROJECTION)) >= MOST:
        raise Problem("validation", f"There are {MOST} channels already; remove one first.")

    async def add(number: int) -> None:
        stream = channel_stream(ChannelId(number))
        command = AddChannel(
            channel_id=ChannelId(number),
            name=body.name,
            kind=kind,
            events=_topics(body.events),
            is_active=body.is_active,
            address_fingerprint=await own.vault.put(stream, address),
        )
        await commands.run(CHANNEL, stream, command, holds)

    number, _done = await with_next_number(own.store, lambda n: channel_stream(ChannelId(n)), add)
    return await _shown(own, number)


@router.get("/{channel_id}", response_model=ChannelOut)
async def get_channel(channel_id: Number, _: Admin, own: Own) -> object:
    """One channel."""
    row = await own.views.one(channels.PROJECTION, channel_id)
    if row is None:
        raise _not_found()
    return channels.shown(row)


@router.patch("/{channel_id}", response_model=ChannelOut)
async def change_channel(
    channel_id: Number,
    body: ChannelPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Change some fields; the mask leaves the address as it is."""
    channel = await _loaded(own, channel_id)
    stream = channel_stream(channel.channel_id)
    given = body.model_fields_set
    fields: dict[str, Any] = {
        name: getattr(body, name) for name in ("name", "is_active") if name in given
    }
    if "events" in given:
        fields["events"] = _topics(body.events)
    if (address := _secret(body.url)) is not None:
        fields["kind"] = await _kind_of(own, address)
        fields["address_fingerprint"] = await own.vault.put(
            stream, address, current=channel.address_fingerprint
        )
    command = ChangeChannel(fields=fields, expected=expected)
    await commands.run(CHANNEL, stream, command, holds)
    after = await _loaded(own, channel_id)
    if gone := {channel.address_fingerprint} - {after.address_fingerprint}:
        await own.vault.drop(stream, gone, before=commands.now)
    return await _shown(own, channel_id)


@router.delete("/{channel_id}", status_code=204)
async def remove_channel(
    channel_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> None:
    """Remove a channel; its address is destroyed."""
    channel = await _loaded(own, channel_id)
    stream = channel_stream(channel.channel_id)
    await commands.run(CHANNEL, stream, RemoveChannel(expected=expected), holds)
    await own.vault.destroy(stream)


@router.post("/{channel_id}/test", response_model=ChannelTest)
async def try_channel(
    channel_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> object:
    """Send a test message now, also when the channel is not active."""
    channel = await _loaded(own, channel_id)
    require_version(f"Channel {channel_id}", channel.revision, expected)
    text = trial(channel.name)
    try:
        address = await address_of(own, channel)
    except Misconfigured as error:
        raise Problem("validation", GONE) from error
    delivery = await own.messenger.send(address, text.title, text.body)
    await _record(commands, channel.channel_id, told(channel.channel_id, TEST, 1, 0, delivery, 1))
    return ChannelTest(ok=delivery.ok, message=delivery.message)


async def _record(commands: Commands, channel_id: ChannelId, event: Any) -> None:
    await commands.append(
        Append(
            stream=channel_stream(channel_id),
            events=[event],
            metadata=commands.metadata,
            occurred_at=commands.now,
            expected=None,
            key=f"{event.TYPE}-{channel_id}-{commands.metadata.request_id}-{commands.now}",
        )
    )


async def _loaded(own: Services, channel_id: int) -> Channel:
    channel = await state_of(own.store, CHANNEL, channel_stream(ChannelId(channel_id)))
    if channel is None or channel.removed:
        raise _not_found()
    return channel


async def _shown(own: Services, channel_id: int) -> object:
    stream = channel_stream(ChannelId(channel_id))
    row = await row_now(own.store, channels.PROJECTION, stream, channel_id)
    if row is None:
        raise _not_found()
    return channels.shown(row)


async def _kind_of(own: Services, address: str) -> str:
    """Raises Problem 422, which never repeats the address."""
    try:
        return await own.messenger.kind_of(address)
    except RuleViolation as error:
        if error.code != "validation":
            raise
        raise _bad_url(str(error)) from None


def _topics(topics: list[Topic]) -> tuple[str, ...]:
    """Each once, in the order in which they were given."""
    return tuple(dict.fromkeys(topics))


def _secret(value: str | None) -> str | None:
    """A new address; the mask, an empty text and null mean the stored one."""
    return None if value in (None, "", MASK) else value


def _bad_url(text: str) -> Problem:
    item = {"loc": ["body", "url"], "msg": text, "type": "value_error"}
    return Problem("validation", text[0].upper() + text[1:].rstrip(".") + ".", errors=[item])


def _not_found() -> Problem:
    return Problem("not_found", "There is no such channel.")
