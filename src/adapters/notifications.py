"""Messages to people, by the library Apprise: some hundred services, each behind an address.

An address holds a secret, and Apprise's logs and errors may hold the address: its loggers, and
those of what it sends with, are silenced, and nothing that it says leaves this module. It waits
for answers in a thread of its own for each message, which nobody else waits for.

Source: appriseit.com; redirects are not followed, the secret stays with the service it is for.
"""

import asyncio
import logging
import threading
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from domain.connector.address import is_loopback
from domain.errors import RuleViolation

TIMEOUT = 20.0  # seconds for a message; what comes later is not waited for
CONNECT, READ = 5.0, 10.0  # seconds, whatever the address itself would like
MOST_THREADS = 16  # messages under way at once, those that nobody waits for any more included
QUIET = (
    "apprise",
    "requests",
    "urllib3",
    "requests_oauthlib",
    "oauthlib",
    "charset_normalizer",
    "markdown",
    "MARKDOWN",
)

# Mail servers agree on encryption by themselves; and these, by their modes, ask a service of the
# internet by https under their plain scheme.
NEGOTIATES = frozenset({"mailto"})
BY_HTTPS = frozenset({("ntfy", "cloud"), ("matrix", "t2bot")})

REFUSED = "The service behind the address did not take the message."
TOO_LATE = "The service behind the address did not answer in time."
TOO_MANY = "Too many messages are under way; this one was not sent."
UNKNOWN = "The address is not one that messages can be sent to."


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Whether a message was taken; `message` holds neither the address nor anybody's answer."""

    ok: bool
    message: str


class Messenger:
    """Sends messages; `allow_insecure` lets secrets travel in clear to other machines."""

    def __init__(self, *, allow_insecure: bool = False, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds bounds how long a message is waited for."""
        self._allow_insecure = allow_insecure
        self._timeout = timeout
        self._under_way = 0

    async def kind_of(self, address: str) -> str:
        """The scheme of an address that messages can be sent to.

        Raises:
            RuleViolation: `validation` when Apprise does not know it; `insecure_url` when it
                would be sent in clear to another machine and that is not allowed.
        """
        return await asyncio.to_thread(self._kind_of, address)

    async def send(self, address: str, title: str, body: str) -> Delivery:
        """Send one message, once; every failure is an answer."""
        if self._under_way >= MOST_THREADS:
            return Delivery(ok=False, message=TOO_MANY)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Delivery] = loop.create_future()

        def done(delivery: Delivery) -> None:
            self._under_way -= 1
            if not answer.done():
                answer.set_result(delivery)

        def work() -> None:
            delivery = self._sent(address, title, body)
            # the loop is closed when the service stopped meanwhile: nobody wants to know then
            if not loop.is_closed():
                loop.call_soon_threadsafe(done, delivery)

        self._under_way += 1
        threading.Thread(target=work, name="message", daemon=True).start()
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError:
            return Delivery(ok=False, message=TOO_LATE)

    def _kind_of(self, address: str) -> str:
        try:
            service = _service(address)
        except Exception:  # noqa: BLE001 # as in `_sent`
            service = None
        if service is None:
            raise RuleViolation("validation", "url is not an address that Apprise knows.")
        scheme = address.partition("://")[0].strip().lower()
        kind = scheme if scheme in _schemes(service, secure=None) else ""
        # the address of a service's own web page stands for its scheme
        kind = kind or next(iter(sorted(_schemes(service, secure=True))), scheme)
        if not self._allow_insecure and _is_plain(service, kind):
            text = "url must be one that is sent encrypted, for another machine."
            raise RuleViolation("insecure_url", text)
        return kind

    def _sent(self, address: str, title: str, body: str) -> Delivery:
        try:
            service = _service(address)
            if service is None:
                return Delivery(ok=False, message=UNKNOWN)
            if not self._allow_insecure:
                service.verify_certificate = True
            taken = service.notify(
                title=title, body=body, notify_type=_apprise().NotifyType.WARNING
            )
        except BaseException:  # noqa: BLE001 # of a hundred services; any may quote the address
            return Delivery(ok=False, message=REFUSED)
        return (
            Delivery(ok=True, message="Delivered.")
            if taken
            else Delivery(ok=False, message=REFUSED)
        )


def _service(address: str) -> Any:
    """What sends to the address; None when Apprise does not know it."""
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        app_id="Timeledger",
        app_desc="Timeledger",
        secure_logging=True,
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service = apprise.Apprise.instantiate(address, asset=asset)
    if service is not None:  # an address may ask for other manners
        service.redirects = False
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT, READ
    return service


def _is_plain(service: Any, kind: str) -> bool:
    """Whether a secret would travel readable to another machine."""
    if not service.verify_certificate:
        return True
    host = str(getattr(service, "host", None) or "").strip("[]").lower()
    if kind in NEGOTIATES or (kind, str(getattr(service, "mode", ""))) in BY_HTTPS:
        return False
    plain, secure = _schemes(service, secure=False), _schemes(service, secure=True)
    return kind in plain and bool(secure) and not is_loopback(host)


def _schemes(service: Any, *, secure: bool | None) -> frozenset[str]:
    """The schemes of a service: plain ones, secure ones, or all."""
    found: set[str] = set()
    if secure is not True:
        found |= _texts(service.protocol)
    if secure is not False:
        found |= _texts(service.secure_protocol)
    return frozenset(found)


def _texts(value: object) -> set[str]:
    if isinstance(value, str):
        return {value.lower()}
    return {str(each).lower() for each in value} if isinstance(value, list | tuple | set) else set()


@cache
def _apprise() -> ModuleType:
    """The library, silenced; imported when it is first needed: it takes a third of a second."""
    import apprise

    for name in QUIET:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [logging.NullHandler()], False
        logger.setLevel(logging.CRITICAL + 1)
    return apprise
