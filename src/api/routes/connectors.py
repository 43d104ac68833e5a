"""Connectors: contract, section 4."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from api.as_of import AsOf
from api.bodies import Body
from api.identity import Admin, Operator, Own, RequestCommands, Viewer, require
from api.inputs import Expected, Number, Skip
from api.peers import Verdict, findings
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Commands, Services
from api.shapes import ConnectorOut, TestAnswer, TestDetails, TokenCapabilities
from api.showing import row_now, shown_checks, shown_connector
from domain.connector.address import normalised
from domain.connector.commands import (
    Access,
    AddConnector,
    ChangeConnector,
    RecordTest,
    RetireConnector,
)
from domain.connector.decide import CONNECTOR, Connector, holds, require_revision
from domain.connector.patch import checked_patch, effective_settings
from domain.connector.settings import MASK, ZammadSettings, as_values, take_webhook_secret
from domain.ids import ConnectorId, connector_stream
from domain.numbering import with_next_number
from projections import connectors

Kind = Literal["zammad", "kimai"]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Address = Annotated[str, Field(min_length=1, max_length=2000)]
Token = Annotated[str, Field(max_length=4000)]

SHOWN_ONLY = frozenset(
    {"id", "created_at", "updated_at", "version", "token_set", "health", "retired_at"}
)

router = APIRouter(prefix="/connectors", tags=["connectors"], route_class=LedgerRoute)


class NewConnector(Body):
    read_only: ClassVar = SHOWN_ONLY

    type: Kind
    name: Name
    base_url: Address
    api_token: Token | None = None
    is_active: bool = True
    settings: dict[str, Any] | None = None


class ConnectorPatch(Body):
    read_only: ClassVar = SHOWN_ONLY

    type: str = ""
    name: Name = ""
    base_url: Address = ""
    api_token: Token | None = None
    is_active: bool = True
    settings: dict[str, Any] | None = None


class ConnectorTest(Body):
    """Either a whole candidate, or an `id` with what should differ from what is stored."""

    id: Annotated[int, Field(ge=0)] | None = None
    type: Kind | None = None
    base_url: Address | None = None
    api_token: Token | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "ConnectorTest":
        if self.id is None and (self.type is None or self.base_url is None):
            raise ValueError("give either id, or type, base_url and api_token")
        return self


@router.get("", response_model=list[ConnectorOut])
async def list_connectors(
    _: Viewer,
    own: Own,
    response: Response,
    as_of: AsOf,
    skip: Skip = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    include_retired: bool = False,
) -> object:
    """All connectors by id; retired ones only when asked for."""
    rows, total = await own.views.connectors(
        skip=skip, limit=limit, include_retired=include_retired, as_of=as_of
    )
    response.headers["X-Total-Count"] = str(total)
    return [shown_connector(row, own.settings.display_timezone) for row in rows]


@router.post("", status_code=201, response_model=ConnectorOut)
async def add_connector(
    body: NewConnector, _: Admin, own: Own, commands: RequestCommands
) -> object:
    """Add a connector; 409 `name_taken` or `connector_active_exists`."""
    number = await added(own, commands, body)
    return await shown(own, number)


@router.post("/test", response_model=TestAnswer)
async def test_connector(
    body: ConnectorTest,
    identity: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Try an address and a token; nothing is saved. A failure of the peer is an answer."""
    if body.id is None or body.base_url or _secret(body.api_token):
        require(identity, "admin")
    if body.id is None:
        token = _secret(body.api_token)
        if token is None:
            raise Problem("token_required", "A test needs the token.")
        address = _address(own, body.base_url or "")
        return _test_answer(await own.peers.tried(body.type or "", address, token))
    connector = await loaded(own, body.id)
    require_revision(connector, expected)
    return await _tested(own, commands, connector, body.base_url, _secret(body.api_token))


@router.post("/validate", response_model=TestAnswer)
async def validate_connector(
    connector_id: Annotated[int, Query(ge=0)],
    _: Operator,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Try what is stored."""
    connector = await loaded(own, connector_id)
    require_revision(connector, expected)
    return await _tested(own, commands, connector, None, None)


@router.get("/{connector_id}", response_model=ConnectorOut)
async def get_connector(
    connector_id: Number, _: Viewer, own: Own, as_of: AsOf, include_retired: bool = False
) -> object:
    """One connector; 404 for a retired one unless asked for."""
    row = await own.views.connector(connector_id, as_of=as_of)
    if row is None or (row.retired_at is not None and not include_retired):
        raise Problem("not_found", "There is no such connector.")
    return shown_connector(row, own.settings.display_timezone)


@router.patch("/{connector_id}", response_model=ConnectorOut)
async def change_connector(
    connector_id: Number,
    body: ConnectorPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Change some fields; settings merge key by key, the mask leaves a secret as it is."""
    connector = await loaded(own, connector_id)
    await changed(own, commands, connector, body, expected)
    return await shown(own, connector_id)


@router.delete("/{connector_id}", status_code=204)
async def retire_connector(
    connector_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> None:
    """Retire it: inactive, its token destroyed; everything it brought stays."""
    await loaded(own, connector_id)
    stream = connector_stream(ConnectorId(connector_id))
    command = RetireConnector(in_use=await in_use(own, connector_id), expected=expected)
    await commands.run(CONNECTOR, stream, command, holds)
    own.webhook_keys.forget()
    await own.vault.destroy(stream)


async def added(own: Services, commands: Commands, body: NewConnector) -> int:
    """Store the secrets, then the connector that names them; return its id."""
    token = _secret(body.api_token)
    if token is None:
        raise Problem("token_required", "A connector needs a token.")
    patch, webhook_secret = _settings(body.type, body.settings)
    values = {key: value for key, value in patch.items() if value is not None}
    address = _address(own, body.base_url)

    async def add(number: int) -> None:
        stream = connector_stream(ConnectorId(number))
        command = AddConnector(
            connector_id=ConnectorId(number),
            kind=body.type,
            name=body.name,
            base_url=address,
            is_active=body.is_active,
            settings=values,
            token_fingerprint=await own.vault.put(stream, token),
            secret_fingerprint=(
                await own.vault.put(stream, webhook_secret) if webhook_secret else None
            ),
        )
        await commands.run(CONNECTOR, stream, command, holds)

    number, _ = await with_next_number(own.store, lambda n: connector_stream(ConnectorId(n)), add)
    own.webhook_keys.forget()
    return number


async def changed(
    own: Services,
    commands: Commands,
    connector: Connector,
    body: ConnectorPatch,
    expected: int | None = None,
) -> Access:
    """Store new secrets, then the change that names them; destroy what it replaced.

    Returns what it is used with then. A secret goes with the connector as it was looked at: to
    another address, or in place of another one, somebody else's change would have brought it.
    """
    given = body.model_fields_set
    if "type" in given and body.type != connector.kind:
        raise Problem("type_immutable", "The type of a connector cannot change.")
    stream = connector_stream(connector.connector_id)
    token = _secret(body.api_token)
    address = _address(own, body.base_url) if "base_url" in given else None
    if address not in (None, connector.base_url) and token is None:
        raise Problem("token_required", "A new base_url needs the token to go with it.")
    patch, webhook_secret = _settings(connector.kind, body.settings)
    command = ChangeConnector(
        name=body.name if "name" in given else None,
        base_url=address,
        is_active=body.is_active if "is_active" in given else None,
        settings=_really_new(own, connector, patch),
        token_fingerprint=(
            await own.vault.put(stream, token, current=connector.token_fingerprint)
            if token
            else None
        ),
        secret_fingerprint=(
            await own.vault.put(stream, webhook_secret, current=connector.secret_fingerprint)
            if webhook_secret
            else None
        ),
        former_until=commands.now + _overlap(own, connector, patch),
        in_use=await in_use(own, connector.connector_id),
        expected=connector.revision if expected is None and (token or webhook_secret) else expected,
    )
    await commands.run(CONNECTOR, stream, command, holds)
    own.webhook_keys.forget()
    after = await loaded(own, connector.connector_id)
    gone = set(fingerprints(connector)) - set(fingerprints(after))
    await own.vault.drop(stream, gone, before=commands.now)
    return Access(
        base_url=address or connector.base_url,
        token_fingerprint=command.token_fingerprint or connector.token_fingerprint,
    )


async def _tested(
    own: Services,
    commands: Commands,
    connector: Connector,
    base_url: str | None,
    token: str | None,
) -> TestAnswer:
    stream = connector_stream(connector.connector_id)
    address = _address(own, base_url) if base_url else connector.base_url
    if address != connector.base_url and token is None:
        raise Problem("token_required", "Another base_url needs the token to go with it.")
    used = token or await own.token_of(connector)
    verdict = await own.peers.tried(connector.kind, address, used)
    as_stored = token is None and address == connector.base_url
    command = RecordTest(
        valid=verdict.valid,
        message=verdict.message,
        peer_version=verdict.peer_version,
        access=connector.access if as_stored else None,
        token_refused=verdict.token_refused,
        found=findings(verdict),
    )
    await commands.run(CONNECTOR, stream, command, holds)
    if as_stored and verdict.valid:
        own.peers.flow(connector).clear()
    return _test_answer(verdict)


async def loaded(own: Services, connector_id: int) -> Connector:
    """The connector as the ledger has it. Raises Problem `not_found`, also for retired ones."""
    connector = await own.connector(ConnectorId(connector_id))
    if connector is None or connector.retired:
        raise Problem("not_found", "There is no such connector.")
    return connector


async def shown(own: Services, connector_id: int) -> Mapping[str, object]:
    """The contract's Connector, as the ledger has it now."""
    stream = connector_stream(ConnectorId(connector_id))
    row = await row_now(own.store, connectors.PROJECTION, stream, connector_id)
    if row is None:
        raise Problem("not_found", "There is no such connector.")
    return shown_connector(row, own.settings.display_timezone)


async def in_use(own: Services, connector_id: int) -> bool:
    """Whether a run is going on with it."""
    return connector_id in await own.views.connectors_in_use()


def fingerprints(connector: Connector) -> list[str]:
    """The secrets that may still be needed."""
    if connector.retired:
        return []
    known = (
        connector.token_fingerprint,
        connector.secret_fingerprint,
        connector.former_secret_fingerprint,
    )
    return [fingerprint for fingerprint in known if fingerprint is not None]


def _really_new(own: Services, connector: Connector, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The patch without what is in force already: sending back what was read changes nothing."""
    zone = own.settings.display_timezone
    now = as_values(effective_settings(connector.kind, connector.settings, display_timezone=zone))
    kept = {key: value for key, value in patch.items() if value is not None}
    then = as_values(effective_settings(connector.kind, kept, display_timezone=zone))
    return {key: value for key, value in patch.items() if value is None or then[key] != now[key]}


def _settings(kind: str, settings: Mapping[str, Any] | None) -> tuple[dict[str, Any], str | None]:
    """The checked patch and, for Zammad, a new webhook secret."""
    patch: Mapping[str, Any] = settings or {}
    secret = None
    if kind == "zammad":
        patch, secret = take_webhook_secret(patch)
    return checked_patch(kind, patch), secret


def _overlap(own: Services, connector: Connector, patch: Mapping[str, object]) -> timedelta:
    """How long the present secret stays valid beside a new one, by the settings as patched."""
    merged = {**connector.settings, **patch}
    values = effective_settings(
        connector.kind,
        {key: value for key, value in merged.items() if value is not None},
        display_timezone=own.settings.display_timezone,
    )
    hours = values.webhook_secret_overlap_hours if isinstance(values, ZammadSettings) else 0
    return timedelta(hours=hours)


def _address(own: Services, base_url: str) -> str:
    return normalised(base_url, allow_insecure=own.settings.allow_insecure_peers)


def _secret(value: str | None) -> str | None:
    """A new secret; the mask, an empty text and null mean the stored one."""
    return None if value in (None, "", MASK) else value


def _test_answer(verdict: Verdict) -> TestAnswer:
    if not verdict.valid:
        return TestAnswer(valid=False, message=verdict.message)
    can = verdict.capabilities
    return TestAnswer(
        valid=True,
        message=verdict.message,
        details=TestDetails(
            peer_version=verdict.peer_version,
            user=verdict.user,
            time_unit_declared=verdict.time_unit_declared,
            missing_permissions=list(verdict.missing_permissions),
            warnings=list(verdict.warnings),
            capabilities=None if can is None else TokenCapabilities(**asdict(can)),
            checks=shown_checks(verdict.permissions),
        ),
    )
