"""PostgreSQL without installation: the server of a PyPI wheel under our own supervisor.

```text
service ── lifeline (pipe) ──▶ guard ──▶ postgres          one folder, one service, one server
   ▲                                        │
   └── watch: starts it again when it dies ─┘
```
The guard is a process of its own because only a process survives the SIGKILL of another:
when the lifeline breaks, for whatever reason, it shuts the server down in order.
"""

import sys

from domain.errors import Misconfigured

if sys.platform == "win32":
    raise Misconfigured(
        "postgresql", "the embedded server runs on Linux and macOS: set DATABASE_URL to use another"
    )

from adapters.embedded.server import EmbeddedPostgres, embedded_postgres

__all__ = ["EmbeddedPostgres", "embedded_postgres"]
