"""The version of an object that somebody saw: `If-Match` in the contract, section 1."""

from domain.errors import RuleViolation


def require_version(what: str, version: int, expected: int | None) -> None:
    """Raises RuleViolation `stale_version`, when another version than that one is expected."""
    if expected not in (None, version):
        raise RuleViolation("stale_version", f"{what} is at version {version} by now.")
