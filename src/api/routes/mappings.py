"""Mappings of activity types, people and projects: contract, section 5."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api import mapping_tables as tables
from api.as_of import AsOf
from api.identity import Admin, Own, RequestCommands, Viewer
from api.inputs import Expected, Number, Skip
from api.mapping_bodies import (
    MappingPatch,
    NewMapping,
    NewProjectMapping,
    NewUserMapping,
    ProjectMappingPatch,
    UserMappingPatch,
)
from api.mapping_shapes import MappingOut, ProjectMappingOut, UserMappingOut
from api.mapping_tables import ACTIVITIES, PEOPLE, PROJECTS, Table
from api.problems import Problem
from api.routing import LedgerRoute
from api.services import Services

Limit = Annotated[int, Query(ge=1, le=1000)]

router = APIRouter(prefix="/mappings", tags=["mappings"], route_class=LedgerRoute)


async def _listed(
    own: Services,
    response: Response,
    table: Table,
    page: tuple[int, int],
    is_active: bool | None,
    as_of: int | None,
) -> object:
    rows, total = await own.views.mappings(
        table.projection, skip=page[0], limit=page[1], is_active=is_active, as_of=as_of
    )
    response.headers["X-Total-Count"] = str(total)
    return [table.shown(row) for row in rows]


async def _one(own: Services, table: Table, number: int, as_of: int | None) -> object:
    row = await own.views.mapping(table.projection, number, as_of=as_of)
    if row is None:
        raise Problem("not_found", "There is no such mapping.")
    return table.shown(row)


@router.get("/users", response_model=list[UserMappingOut])
async def list_user_mappings(
    _: Viewer,
    own: Own,
    response: Response,
    as_of: AsOf,
    skip: Skip = 0,
    limit: Limit = 500,
    is_active: bool | None = None,
) -> object:
    """All user mappings by id."""
    return await _listed(own, response, PEOPLE, (skip, limit), is_active, as_of)


@router.post("/users", status_code=201, response_model=UserMappingOut)
async def add_user_mapping(
    body: NewUserMapping, _: Admin, own: Own, commands: RequestCommands
) -> object:
    """Add a user mapping; 409 `mapping_exists` when an active row has the same source."""
    return await tables.add(own, commands, PEOPLE, body)


@router.get("/users/{mapping_id}", response_model=UserMappingOut)
async def get_user_mapping(mapping_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One user mapping."""
    return await _one(own, PEOPLE, mapping_id, as_of)


@router.patch("/users/{mapping_id}", response_model=UserMappingOut)
async def change_user_mapping(
    mapping_id: Number,
    body: UserMappingPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Change some fields of a user mapping; 409 `mapping_exists`."""
    return await tables.change(own, commands, PEOPLE, mapping_id, body, expected)


@router.delete("/users/{mapping_id}", status_code=204)
async def remove_user_mapping(
    mapping_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> None:
    """Remove a user mapping."""
    await tables.remove(own, commands, PEOPLE, mapping_id, expected)


@router.get("/projects", response_model=list[ProjectMappingOut])
async def list_project_mappings(
    _: Viewer,
    own: Own,
    response: Response,
    as_of: AsOf,
    skip: Skip = 0,
    limit: Limit = 500,
    is_active: bool | None = None,
) -> object:
    """All project mappings by id."""
    return await _listed(own, response, PROJECTS, (skip, limit), is_active, as_of)


@router.post("/projects", status_code=201, response_model=ProjectMappingOut)
async def add_project_mapping(
    body: NewProjectMapping, _: Admin, own: Own, commands: RequestCommands
) -> object:
    """Add a project mapping; 409 `mapping_exists` when an active row has the same source."""
    return await tables.add(own, commands, PROJECTS, body)


@router.get("/projects/{mapping_id}", response_model=ProjectMappingOut)
async def get_project_mapping(mapping_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One project mapping."""
    return await _one(own, PROJECTS, mapping_id, as_of)


@router.patch("/projects/{mapping_id}", response_model=ProjectMappingOut)
async def change_project_mapping(
    mapping_id: Number,
    body: ProjectMappingPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Change some fields of a project mapping; 409 `mapping_exists`."""
    return await tables.change(own, commands, PROJECTS, mapping_id, body, expected)


@router.delete("/projects/{mapping_id}", status_code=204)
async def remove_project_mapping(
    mapping_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> None:
    """Remove a project mapping."""
    await tables.remove(own, commands, PROJECTS, mapping_id, expected)


@router.get("", response_model=list[MappingOut])
async def list_mappings(
    _: Viewer,
    own: Own,
    response: Response,
    as_of: AsOf,
    skip: Skip = 0,
    limit: Limit = 500,
    is_active: bool | None = None,
) -> object:
    """All mappings by id."""
    return await _listed(own, response, ACTIVITIES, (skip, limit), is_active, as_of)


@router.post("", status_code=201, response_model=MappingOut)
async def add_mapping(body: NewMapping, _: Admin, own: Own, commands: RequestCommands) -> object:
    """Add a mapping; 409 `mapping_exists` when an active row has the same source."""
    return await tables.add(own, commands, ACTIVITIES, body)


@router.get("/{mapping_id}", response_model=MappingOut)
async def get_mapping(mapping_id: Number, _: Viewer, own: Own, as_of: AsOf) -> object:
    """One mapping."""
    return await _one(own, ACTIVITIES, mapping_id, as_of)


@router.patch("/{mapping_id}", response_model=MappingOut)
async def change_mapping(
    mapping_id: Number,
    body: MappingPatch,
    _: Admin,
    own: Own,
    commands: RequestCommands,
    expected: Expected,
) -> object:
    """Change some fields of a mapping; 409 `mapping_exists`."""
    return await tables.change(own, commands, ACTIVITIES, mapping_id, body, expected)


@router.delete("/{mapping_id}", status_code=204)
async def remove_mapping(
    mapping_id: Number, _: Admin, own: Own, commands: RequestCommands, expected: Expected
) -> None:
    """Remove a mapping."""
    await tables.remove(own, commands, ACTIVITIES, mapping_id, expected)
