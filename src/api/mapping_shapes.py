"""Mappings, their files, and what became of one that was taken in: contract, section 5."""

from datetime import datetime
from typing import Literal

from api.bodies import Answer
from api.mapping_bodies import SourceKind


class MappingRow(Answer):
    """What a file has of a mapping: its fields are the columns of the CSV, in order."""

    zammad_type_id: int | None
    zammad_type_name: str
    kimai_activity_id: int
    kimai_activity_name: str
    is_active: bool
    billable: bool | None


class UserMappingRow(Answer):
    zammad_user_id: int | None
    zammad_user_name: str | None
    zammad_user_email: str | None
    kimai_user_id: int
    kimai_user_name: str | None
    timezone: str | None
    is_active: bool


class ProjectMappingRow(Answer):
    source_kind: SourceKind
    source_id: int
    source_name: str | None
    kimai_customer_id: int | None
    kimai_project_id: int | None
    is_active: bool


class _Numbered(Answer):
    id: int


class _Versioned(Answer):
    created_at: datetime
    updated_at: datetime
    version: int


class MappingOut(_Versioned, MappingRow, _Numbered):
    pass


class UserMappingOut(_Versioned, UserMappingRow, _Numbered):
    origin: Literal["manual", "email"]


class ProjectMappingOut(_Versioned, ProjectMappingRow, _Numbered):
    pass


class MappingsFile(Answer):
    rows: list[MappingRow]


class UserMappingsFile(Answer):
    rows: list[UserMappingRow]


class ProjectMappingsFile(Answer):
    rows: list[ProjectMappingRow]


class Counts(Answer):
    add: int
    change: int
    remove: int
    unchanged: int
    error: int


class _Row(Answer):
    """`row` counts the rows of the file from 1; null for one that the file does not name."""

    row: int | None
    action: Literal["add", "change", "remove", "unchanged", "error"]
    message: str | None = None


class MappingLine(_Row):
    zammad_type_id: int | None
    kimai_activity_id: int | None


class UserMappingLine(_Row):
    zammad_user_id: int | None
    kimai_user_id: int | None


class ProjectMappingLine(_Row):
    source_kind: SourceKind | None
    source_id: int | None
    kimai_customer_id: int | None
    kimai_project_id: int | None


class _Imported(Answer):
    dry_run: bool
    applied: bool
    counts: Counts


class MappingsImport(_Imported):
    rows: list[MappingLine]


class UserMappingsImport(_Imported):
    rows: list[UserMappingLine]


class ProjectMappingsImport(_Imported):
    rows: list[ProjectMappingLine]
