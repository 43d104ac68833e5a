"""The three mapping tables as files have them: contract, section 5."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.bodies import Answer, Body
from api.import_files import Columns
from api.mapping_bodies import NewMapping, NewProjectMapping, NewUserMapping
from api.mapping_shapes import MappingRow, ProjectMappingRow, UserMappingRow
from api.mapping_tables import ACTIVITIES, PEOPLE, PROJECTS, Table
from api.peer_lists import Noun
from api.problems import Problem
from api.services import Services
from domain.errors import ExternalSystemError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One table as files have it. `name` is its word in the audit log, `file` that of a file.

    `row` is what a file shows of a row, `body` what one that is brought may say of it.

    `shown` are the fields that an answer shows of each row; `lists` says where the name of an id
    is found: by name field its id field, the kind of connector and what it lists.
    """

    name: str
    file: str
    table: Table
    row: type[Answer]
    body: type[Body]
    columns: Columns
    shown: tuple[str, ...]
    lists: Mapping[str, tuple[str, str, Noun]]


KINDS: Mapping[str, Kind] = {
    "activities": Kind(
        name="mapping",
        file="mappings",
        table=ACTIVITIES,
        row=MappingRow,
        body=NewMapping,
        columns=Columns(
            names=tuple(MappingRow.model_fields),
            required=frozenset({"zammad_type_id", "kimai_activity_id"}),
            texts=frozenset({"zammad_type_name", "kimai_activity_name"}),
            flags=frozenset({"is_active", "billable"}),
            ignored=NewMapping.read_only,
        ),
        shown=("zammad_type_id", "kimai_activity_id"),
        lists={
            "zammad_type_name": ("zammad_type_id", "zammad", "activities"),
            "kimai_activity_name": ("kimai_activity_id", "kimai", "activities"),
        },
    ),
    "users": Kind(
        name="user_mapping",
        file="user-mappings",
        table=PEOPLE,
        row=UserMappingRow,
        body=NewUserMapping,
        columns=Columns(
            names=tuple(UserMappingRow.model_fields),
            required=frozenset({"zammad_user_id", "kimai_user_id"}),
            texts=frozenset({"zammad_user_name", "zammad_user_email", "kimai_user_name"}),
            flags=frozenset({"is_active"}),
            ignored=NewUserMapping.read_only,
        ),
        shown=("zammad_user_id", "kimai_user_id"),
        lists={
            "zammad_user_name": ("zammad_user_id", "zammad", "users"),
            "zammad_user_email": ("zammad_user_id", "zammad", "users"),
            "kimai_user_name": ("kimai_user_id", "kimai", "users"),
        },
    ),
    "projects": Kind(
        name="project_mapping",
        file="project-mappings",
        table=PROJECTS,
        row=ProjectMappingRow,
        body=NewProjectMapping,
        columns=Columns(
            names=tuple(ProjectMappingRow.model_fields),
            required=frozenset({"source_kind", "source_id"}),
            texts=frozenset({"source_name"}),
            flags=frozenset({"is_active"}),
            ignored=NewProjectMapping.read_only,
        ),
        shown=("source_kind", "source_id", "kimai_customer_id", "kimai_project_id"),
        lists={},
    ),
}


async def names_of(own: Services, kind: Kind, name: str) -> Mapping[int, str]:
    """Names, or e-mail addresses, by id; empty when the peer does not tell: they are labels."""
    _, system, noun = kind.lists[name]
    for connector in await own.active_connectors():
        if connector.kind == system:
            try:
                token = await own.token_of(connector)
                rows = await own.lists.get(connector, token, noun)
            except (ExternalSystemError, Problem):
                return {}
            if name.endswith("_email"):
                return {row.item_id: row.email or "" for row in rows}
            return {row.item_id: row.name for row in rows}
    return {}
