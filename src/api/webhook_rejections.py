"""How many refused deliveries are worth remembering: ten a minute from one address.

Whoever knows no secret can make us append events; so few of them that the ledger does not mind.
All processes together keep to it, because each of the ten is appended under a key of its own.
"""

import hashlib
import hmac
import math
from collections import OrderedDict, deque
from collections.abc import Iterator
from datetime import datetime

from api.origin import sender_of

MOST = 10  # of one address within a minute
MOST_OF_ALL = 200  # of all addresses within a minute, in this process
MINUTE = 60.0  # seconds
ADDRESSES = 4_096  # remembered at once; the one not heard of for longest is forgotten first


class Rejections:
    """Who had how many recorded lately."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def admit(self, address: str, now: datetime) -> bool:
        """Whether one more from there may be recorded; it counts then."""
        sender, at = sender_of(address), now.timestamp()
        times = self._of.setdefault(sender, deque())
        self._of.move_to_end(sender)
        while len(self._of) > ADDRESSES:
            self._of.popitem(last=False)
        for known in (times, self._all):
            while known and not at - MINUTE < known[0] <= at:
                known.popleft()
        if len(times) >= MOST or len(self._all) >= MOST_OF_ALL:
            return False
        times.append(at)
        self._all.append(at)
        return True

    def keys(self, address: str, now: datetime, secret: str) -> Iterator[str]:
        """Ten idempotency keys of this minute: where all are taken, other processes had them.

        `secret` hides the address in them.
        """
        minute = math.floor(now.timestamp() / MINUTE)
        text = f"{sender_of(address)} {minute}".encode()
        name = hmac.new(
            b"timeledger rejection\0" + secret.encode(), text, hashlib.sha256
        ).hexdigest()[:32]
        yield from (f"webhook-rejected-{name}-{number}" for number in range(MOST))
