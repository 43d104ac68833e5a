"""A Zammad to test and demonstrate against: its REST API, rules, quirks and webhooks.

```text
request ─▶ app ─▶ access (who) ─▶ routes/* (may they, what is shown) ─▶ booking, ticketing, people
                                                                          │ (what a save changes)
   webhooks ◀── jobs ◀── triggers ◀── TicketEvent per transaction ◀── store (tables, journal)
```
The measure is peers/zammad.md: every rule here names its section.
"""

from adapters.sandbox.zammad.app import ZammadApp, create_zammad_app
from adapters.sandbox.zammad.state import ZammadState
from adapters.sandbox.zammad.webhooks import HttpLogEntry, WebhookDelivery

__all__ = ["HttpLogEntry", "WebhookDelivery", "ZammadApp", "ZammadState", "create_zammad_app"]
