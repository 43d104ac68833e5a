"""What every sandbox peer shares: clock, request log, faults and the routes under `/_control/`.

```text
request ── /_control/… ──▶ ControlRoutes (loopback only)
        └─ anything else ─▶ RequestLog ─▶ FaultPlan ─▶ the peer's own ASGI app
```
`with_control(app, peer)` puts the three around a peer's app; a peer only has to satisfy `Peer`.
"""

from adapters.sandbox.control.clock import SandboxClock
from adapters.sandbox.control.faults import FaultKind, FaultPlan, FaultRule
from adapters.sandbox.control.middleware import Controlled, with_control
from adapters.sandbox.control.peer import Json, Peer, SeedRefused
from adapters.sandbox.control.requests import RequestLog

__all__ = [
    "Controlled",
    "FaultKind",
    "FaultPlan",
    "FaultRule",
    "Json",
    "Peer",
    "RequestLog",
    "SandboxClock",
    "SeedRefused",
    "with_control",
]
