"""What mapping routes accept; the null row stands for entries without type, or for everyone."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from api.bodies import Body
from api.inputs import Zone

SHOWN_ONLY = frozenset({"id", "created_at", "updated_at", "version"})
BIGGEST_ID = 2**31 - 1  # both peers count in 32 bits

Id = Annotated[int, Field(ge=1, le=BIGGEST_ID)]
Text = Annotated[str, Field(max_length=500)]


class NewMapping(Body):
    read_only: ClassVar = SHOWN_ONLY

    zammad_type_id: Id | None
    kimai_activity_id: Id
    zammad_type_name: Text | None = None
    kimai_activity_name: Text | None = None
    is_active: bool = True
    billable: bool | None = None


class MappingPatch(Body):
    read_only: ClassVar = SHOWN_ONLY

    zammad_type_id: Id | None = None
    kimai_activity_id: Id = 1
    zammad_type_name: Text | None = None
    kimai_activity_name: Text | None = None
    is_active: bool = True
    billable: bool | None = None


class NewUserMapping(Body):
    read_only: ClassVar = SHOWN_ONLY | {"origin"}

    zammad_user_id: Id | None
    kimai_user_id: Id
    zammad_user_name: Text | None = None
    zammad_user_email: Text | None = None
    kimai_user_name: Text | None = None
    timezone: Zone | None = None
    is_active: bool = True


class UserMappingPatch(Body):
    read_only: ClassVar = SHOWN_ONLY | {"origin"}

    zammad_user_id: Id | None = None
    kimai_user_id: Id = 1
    zammad_user_name: Text | None = None
    zammad_user_email: Text | None = None
    kimai_user_name: Text | None = None
    timezone: Zone | None = None
    is_active: bool = True


SourceKind = Literal["organization", "customer", "group"]


class NewProjectMapping(Body):
    read_only: ClassVar = SHOWN_ONLY

    source_kind: SourceKind
    source_id: Id
    source_name: Text | None = None
    kimai_customer_id: Id | None = None
    kimai_project_id: Id | None = None
    is_active: bool = True

    @model_validator(mode="after")
    def _a_target(self) -> "NewProjectMapping":
        if self.kimai_customer_id is None and self.kimai_project_id is None:
            raise ValueError("give kimai_customer_id or kimai_project_id")
        return self


class ProjectMappingPatch(Body):
    read_only: ClassVar = SHOWN_ONLY

    source_kind: SourceKind = "organization"
    source_id: Id = 1
    source_name: Text | None = None
    kimai_customer_id: Id | None = None
    kimai_project_id: Id | None = None
    is_active: bool = True
