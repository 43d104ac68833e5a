"""Errors as Zammad answers them.

```text
ZammadError            status  what the caller may see
├── NotFound           404     the text
├── Unprocessable      422     the text
│   └── Invalid        422     the first broken rule of "Validation failed: …"
├── BadArgument        422     the text for `admin`, an error id for everyone else
├── NotAuthorized      401     the text, also in X-Failure
├── Forbidden          403     the text, also in X-Failure
├── BadRequest         400     the text (the body is not JSON)
└── Crash              500     the text for `admin`, an error id for everyone else
```
Source: peers/zammad.md §1.3.
"""

import re

_VALIDATION = re.compile(r"Validation failed: (.+?)(,|$)", re.IGNORECASE)
_NOT_NULL = re.compile(r'null value in column "(.+?)" violates not-null constraint')


class ZammadError(Exception):
    """An answer that is not a success."""

    status = 500
    human = True  # whether the text is meant for every caller

    def body(self, error_id: str, *, to_admin: bool) -> dict[str, str]:
        """The JSON body; `error_id` replaces what the caller may not see."""
        text = str(self)
        if match := _VALIDATION.search(text):
            human: str | None = match[1]
        elif match := _NOT_NULL.search(text):
            human = f"Attribute '{match[1]}' required!"
        else:
            human = text if self.human else None
        if human:
            return {"error": human, "error_human": human}
        if to_admin:
            return {"error": text}
        return {"error": f"Error ID {error_id}: Please contact your administrator."}


class NotFound(ZammadError):
    """A record or route does not exist."""

    status = 404


class Unprocessable(ZammadError):
    """Refused with a reason the caller may read."""

    status = 422


class Invalid(Unprocessable):
    """A validation failed; the message is the first broken rule."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"Validation failed: {rule}")


class BadArgument(ZammadError):
    """A bad argument or a database error: details for administrators only."""

    status, human = 422, False


class NotAuthorized(ZammadError):
    """The credentials are wrong."""

    status = 401


class Forbidden(ZammadError):
    """The credentials are right, the permission is missing; or there are no credentials."""

    status = 403

    def __init__(self, text: str = "Not authorized") -> None:
        super().__init__(text)


class BadRequest(ZammadError):
    """The body cannot be parsed."""

    status = 400


class Crash(ZammadError):
    """Any other exception of the real server."""

    status, human = 500, False
