"""What a timesheet says: the article's text or the ticket's title, and the marker below."""

import re

from domain.personal import Personal
from domain.time_entry.values import Context

# Kimai answers 500 beyond 65,535 bytes (`peers/kimai.md`, 2.3); a note on a bill is far shorter
LONGEST_TEXT = 2_000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # all but tab and line feed


def bounded(text: str) -> str:
    """`text` with plain line ends, without control characters, of at most `LONGEST_TEXT`."""
    clean = CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(clean) <= LONGEST_TEXT:
        return clean
    return clean[: LONGEST_TEXT - 1].rstrip() + "…"


def description(context: Context, mark: str) -> Personal:
    """The whole description; it belongs to the customer, whose words it may hold."""
    text = context.text.value if context.text is not None else None
    body = bounded(text or "") or bounded(context.ticket_title)
    subject = f"customer:{context.customer_id}"
    lines = [body] if body else []
    return Personal(subject, "\n".join([*lines, f"Zammad #{context.ticket_number} {mark}"]))
