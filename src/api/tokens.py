"""Login tokens: JWT, HS256, revocable by id and by the account's generation."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jose import JWTError, jwt

from api.problems import Problem

ALGORITHM = "HS256"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a token says. `generation` is the account's at login: an older one is revoked."""

    username: str
    user_id: int
    generation: int
    token_id: str
    expires_at: datetime


class Tokens:
    def __init__(self, secret: str, *, minutes: int) -> None:
        self._secret = secret
        self.life = timedelta(minutes=minutes)

    def issue(
        self, *, username: str, user_id: int, generation: int, now: datetime
    ) -> tuple[str, Claims]:
        """A new token and what it says."""
        claims = Claims(
            username=username,
            user_id=user_id,
            generation=generation,
            token_id=secrets.token_urlsafe(16),
            expires_at=(now + self.life).replace(microsecond=0),
        )
        payload = {
            "sub": username,
            "uid": user_id,
            "gen": generation,
            "jti": claims.token_id,
            "iat": int(now.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        return jwt.encode(payload, self._secret, algorithm=ALGORITHM), claims

    def read(self, text: str, *, now: datetime) -> Claims:
        """What a token of ours says. Raises Problem `not_authenticated` or `token_expired`."""
        try:
            payload: dict[str, Any] = jwt.decode(
                text,
                self._secret,
                algorithms=[ALGORITHM],
                options={"verify_exp": False, "verify_aud": False},
            )
            claims = _claims(payload)
        except (
            JWTError,
            LookupError,
            TypeError,
            ValueError,
            OverflowError,
            RecursionError,
        ) as error:
            raise Problem("not_authenticated", "The token is not one of ours.") from error
        if claims.expires_at <= now:
            raise Problem("token_expired", "The login has expired; log in again.")
        return claims


def _claims(payload: dict[str, Any]) -> Claims:
    return Claims(
        username=str(payload["sub"]),
        user_id=int(payload["uid"]),
        generation=int(payload["gen"]),
        token_id=str(payload["jti"]),
        expires_at=datetime.fromtimestamp(int(payload["exp"]), UTC),
    )
