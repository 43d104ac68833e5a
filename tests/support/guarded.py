"""Peers of the tests that notice a secret which is none of theirs: another peer's, or our own."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.sandbox import serve
from adapters.sandbox.control import Controlled
from adapters.sandbox.kimai import KimaiState
from adapters.sandbox.zammad import ZammadState
from tests.support.known_secrets import Secret, found, known, may_go_to, tail, watch

CONTROL = "/_control/"  # how tests fill a sandbox, with tokens among the rest

_standing: list[Controlled] = []  # the sandboxes of this process


@asynccontextmanager
async def running(
    app: ASGIApp, *, peer: Controlled | None = None, **where: Any
) -> AsyncIterator[str]:
    """A peer on a real port, guarded; yields its address. `peer` is the sandbox in `app`."""
    sandbox = peer or (app if isinstance(app, Controlled) else None)
    if sandbox is not None:
        _standing.append(sandbox)
        for token in _tokens(sandbox):
            watch("the token of a peer", token, home=None)
    try:
        async with serve.running(guarded(app, sandbox), **where) as url:
            yield url
    finally:
        if sandbox is not None:
            _standing.remove(sandbox)


def guarded(app: ASGIApp, peer: Controlled | None = None) -> ASGIApp:
    """The same peer; what is sent to it is looked through for secrets that are none of its own."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await app(scope, receive, send)
            return
        head = b"\n".join(b": ".join(pair) for pair in scope["headers"])
        _judge(scope, peer, b"\n".join((head, scope["path"].encode(), scope["query_string"])))
        said = b""

        async def receiving() -> Message:
            nonlocal said
            message = await receive()
            if body := message.get("body", b""):
                _judge(scope, peer, said + body)
                said = tail(said + body)
            return message

        await app(scope, receiving, send)

    return guard


def _judge(scope: Scope, peer: Controlled | None, said: bytes) -> None:
    port = scope["server"][1] if scope.get("server") else 0
    shown = known(said)
    its_own = {secret for secret in shown if _may_have(secret, peer, port)}
    for secret in shown - its_own:
        if not any(secret.text in own.text for own in its_own):
            found(f"{secret.name} was sent to another host: {scope['method']} {scope['path']}")


def _may_have(secret: Secret, peer: Controlled | None, port: int) -> bool:
    if peer is not None and secret.text in _tokens(peer):
        return True
    if any(secret.text in _tokens(other) for other in _standing if other is not peer):
        return False
    return may_go_to(secret.text, port)


def _tokens(sandbox: Controlled) -> Collection[str]:
    match sandbox.peer:
        case KimaiState() as kimai:
            return kimai.tokens
        case ZammadState() as zammad:
            return {each.secret for each in zammad.tokens}
        case _:
            return ()
