"""Files of mappings, and what became of one, as answers show them: contract, section 5."""

from typing import Literal

from api.bodies import Answer


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
    source_kind: Literal["organization", "customer", "group"] | None
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
