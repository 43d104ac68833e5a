"""What a sandbox peer offers to the control routes."""

from collections.abc import Mapping
from typing import Any, Protocol

from adapters.sandbox.control.clock import SandboxClock

Json = Mapping[str, Any]


class SeedRefused(ValueError):
    """A body sent to `/_control/seed` or `/_control/settings` means nothing to this peer."""


class Peer(Protocol):
    """The state behind a sandbox server, as seen by `/_control/`."""

    @property
    def clock(self) -> SandboxClock:
        """The clock every answer of this peer is computed with."""
        ...

    def describe(self) -> Json:
        """A JSON view of what is stored, for `GET /_control/state`."""
        ...

    def reset(self) -> None:
        """Back to an empty peer with default settings."""
        ...

    def seed(self, body: Json) -> Json:
        """Fill from a peer-specific body; answers what was made (ids, tokens).

        Raises:
            SeedRefused: the body names something unknown.
        """
        ...

    def configure(self, body: Json) -> Json:
        """Change settings by their product's own names; answers all settings.

        Raises:
            SeedRefused: a name is unknown or a value has the wrong type.
        """
        ...
