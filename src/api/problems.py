"""Every error of the service as HTTP, once: contract, section 3.

The body is always `{detail, code, errors?, request_id}`; `detail` is one readable text, `code`
one of the closed list below.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from adapters.postgres.connecting import translated
from domain.connector.settings import SettingsInvalid
from domain.errors import (
    AlreadyClaimed,
    ExternalSystemError,
    LedgerError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    RuleViolation,
    StreamMovedOn,
    Unavailable,
)

log = structlog.get_logger(__name__)

STATUS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("malformed_json", "bad_payload"), 400),
        **dict.fromkeys(
            (
                "not_authenticated",
                "bad_credentials",  # 403 when it is the current password that is wrong
                "token_expired",
                "token_revoked",
                "account_inactive",
            ),
            401,
        ),
        **dict.fromkeys(("forbidden", "cross_origin", "bad_signature"), 403),
        "not_found": 404,
        "method_not_allowed": 405,
        **dict.fromkeys(
            (
                "name_taken",
                "mapping_exists",
                "connector_active_exists",
                "connector_in_use",
                "connector_inactive",
                "connectors_missing",
                "run_active",
                "queue_full",
                "run_not_active",
                "stale_version",
                "op_not_applicable",
                "already_resolved",
                "entry_state",
                "plan_drifted",
                "plan_digest_mismatch",
                "plan_not_ready",
                "plan_expired",
                "plan_applied",
                "last_admin",
                "subject_erased",
            ),
            409,
        ),
        "body_too_large": 413,
        **dict.fromkeys(
            (
                "validation",
                "settings_unknown_key",
                "type_immutable",
                "token_required",
                "token_rejected",
                "insecure_url",
                "range_invalid",
                "cron_invalid",
                "import_invalid",
                "export_too_large",
                "confirm_mismatch",
                "cursor_invalid",
                "as_of_in_future",
                "as_of_read_only",
            ),
            422,
        ),
        "login_throttled": 429,
        "internal": 500,
        **dict.fromkeys(("peer_unavailable", "peer_auth_failed", "peer_rejected"), 502),
        **dict.fromkeys(("not_ready", "projection_lag", "webhook_disabled"), 503),
    }
)
OURS = ("postgresql", "service", "settings")  # systems whose failure is not a peer's
NOT_READY_RETRY = 2  # seconds

ErrorItem = Mapping[str, object]


class Problem(Exception):
    """An answer other than success; `status` follows from `code` unless given."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[ErrorItem] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = STATUS[code] if status is None else status
        self.headers = dict(headers or {})
        self.errors = errors
        self.extra = dict(extra or {})


def problem_of(error: LedgerError) -> Problem:
    """The answer for an error of the domain or an adapter."""
    match error:
        case AlreadyClaimed():
            return _claimed(error)
        case SettingsInvalid():
            items = [
                {"loc": ["body", "settings", p.key], "msg": p.message, "type": error.code}
                for p in error.problems
            ]
            return Problem(error.code, str(error), errors=items)
        case RuleViolation():
            return Problem(error.code, str(error))
        case StreamMovedOn():
            return Problem("stale_version", "Somebody else is changing this; load it again.")
        case ExternalSystemError():
            return _of_system(error)
        case _:
            return internal()


def internal() -> Problem:
    return Problem("internal", "Internal error")


def _of_system(error: ExternalSystemError) -> Problem:
    """Names the peer and the class of failure, never what it said."""
    if error.system in OURS:
        retry = {"Retry-After": str(NOT_READY_RETRY)}
        return Problem("not_ready", "The database cannot be reached just now.", headers=retry)
    name = error.system.capitalize()
    match error:
        case Misconfigured():
            text = f"{name} refuses the token, or its address or permissions are not right."
            return Problem("peer_auth_failed", text)
        case Rejected():
            return Problem("peer_rejected", f"{name} refused the request ({error.status}).")
        case Unavailable() | OutcomeUnknown():
            return Problem("peer_unavailable", f"{name} does not answer.")
        case _:
            return Problem("peer_unavailable", f"{name} failed.")


def _claimed(error: AlreadyClaimed) -> Problem:
    """Which of the contract's words says that this unique value is taken."""
    kind, _, rest = error.claim.partition(":")
    holder = int(number[0]) if (number := re.search(r"\d+$", error.holder)) else 0
    if kind in _MAPPED:
        field, one, none = _MAPPED[kind]
        what = none if rest == "none" else f"{one}{rest.replace(':', ' ')}"
        text = f"Mapping for {what} already exists (mapping {holder})."
        item = {"loc": ["body", field], "msg": "already mapped", "type": "conflict"}
        return Problem("mapping_exists", text, errors=[item])
    code, text = _TAKEN.get(kind, ("stale_version", "This value is taken."))
    extra = {"run_id": holder} if code == "run_active" else {}
    return Problem(code, text.format(holder=holder, kind=rest.capitalize()), extra=extra)


_MAPPED = {  # claim -> field, what one row maps, what the row without id maps
    "active-mapping": ("zammad_type_id", "Zammad type ", "entries without type"),
    "active-user-mapping": ("zammad_user_id", "Zammad user ", "everyone without own row"),
    "active-project-mapping": ("source_id", "", ""),
}
_TAKEN = {
    "connector-name": ("name_taken", "Connector {holder} has this name."),
    "active-connector": (
        "connector_active_exists",
        "Connector {holder} is the active {kind} connector.",
    ),
    "channel-name": ("name_taken", "Channel {holder} has this name."),
    "username": ("name_taken", "This user name is taken."),
    "adopted-timesheet": ("entry_state", "Entry {holder} has this timesheet."),
    "active-run": ("run_active", "Run {holder} is active."),
}


def of_validation(errors: Sequence[Mapping[str, object]]) -> Problem:
    """The answer for input that does not fit its types. Values are not repeated."""
    items = [
        {"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]}  # type: ignore[call-overload] # pydantic's error dicts are untyped here
        for e in errors
    ]
    if any(item["loc"][:1] == ["path"] for item in items):
        return Problem("not_found", "There is no such thing.")
    if any(item["type"] == "json_invalid" for item in items):
        return Problem("malformed_json", "The body is not JSON.")
    if any(_is_bad_date(item["loc"], str(item["type"])) for item in items):
        return Problem("range_invalid", "A date is not a date (YYYY-MM-DD).", errors=items)
    text = "; ".join(f"{'.'.join(map(str, i['loc'][1:])) or 'body'}: {i['msg']}" for i in items)
    return Problem("validation", text or "The input is not valid.", errors=items)


def _is_bad_date(location: list[object], kind: str) -> bool:
    return location[:1] == ["body"] and str(location[-1]).endswith("_date") and "date" in kind


def of_http(error: HTTPException) -> Problem:
    """The answer for what the framework refuses by itself."""
    match error.status_code:
        case 404:
            return Problem("not_found", "There is nothing here.")
        case 405:
            text = "This address does not know the method."
            return Problem("method_not_allowed", text, headers=error.headers)
        case 413:
            return Problem("body_too_large", "The body is too large.")
        case 400:
            return Problem("malformed_json", "The body cannot be read.")
        case _:
            return internal()


def answer(problem: Problem, request_id: str, path: str) -> Response:
    """The problem as a response; bodies of the connector tests also have `message`."""
    body: dict[str, object] = {"detail": problem.detail, "code": problem.code}
    if path.rstrip("/").endswith(("/connectors/test", "/connectors/validate")):
        body["message"] = problem.detail
    if problem.errors is not None:
        body["errors"] = problem.errors
    body |= problem.extra
    body["request_id"] = request_id
    headers = dict(problem.headers)
    if problem.status == 401:  # noqa: PLR2004 - HTTP
        headers.setdefault("WWW-Authenticate", "Bearer")
    if problem.status == 503:  # noqa: PLR2004 - HTTP
        headers.setdefault("Retry-After", str(NOT_READY_RETRY))
    return JSONResponse(jsonable_encoder(body), status_code=problem.status, headers=headers)


def install(app: FastAPI) -> None:
    """Answer every error in the contract's shape."""

    def say(request: Request, problem: Problem) -> Response:
        return answer(problem, request.state.request_id, request.url.path)

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return say(request, error)

    @app.exception_handler(LedgerError)
    async def _ledger(request: Request, error: LedgerError) -> Response:
        problem = problem_of(error)
        if problem.status >= 500:  # noqa: PLR2004 - HTTP
            log.error(
                "request_failed", code=problem.code, error=type(error).__name__, why=str(error)
            )
        return say(request, problem)

    async def _database(request: Request, error: Exception) -> Response:
        return await _ledger(request, translated(error))

    for kind in (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _database)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return say(request, of_validation(error.errors()))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        return say(request, of_http(error))
