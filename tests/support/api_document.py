"""The calls of docs/api.md, carried out against a running service.

`python -m tests.support.api_document` writes the answers anew. What differs from run to run
(instants, digests, tokens, numbers of positions) is kept as it was in the run that wrote it.
"""

import asyncio
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import httpx

from tests.support.ledgers import migrated
from tests.support.postgres import DatabaseServer
from tests.support.service import ADMIN_PASSWORD, Service, running_service
from tests.support.two_peers import KIMAI_TOKEN, ZAMMAD_TOKEN, TwoPeers, two_peers

FILE = Path(__file__).parents[2] / "docs" / "api.md"
CALL = re.compile(r"```bash\n(curl .*?)```\n```json\n(.*?)```\n", re.DOTALL)
BOOKINGS = 6
VARYING = re.compile(
    r"(_at|^at|digest|token|position|positions|checked_to|configuration|duration_seconds)$|^request_"
)
MARKER = re.compile(r"TL-[0-9a-f]{8}-")  # names the ledger, so it is another one each time
SHOWN = {"access_token": "eyJ…"}


@dataclass(frozen=True)
class Call:
    """One call of the document and the answer that stands there."""

    command: str
    answer: str


def calls(text: str) -> Sequence[Call]:
    return [Call(command, answer) for command, answer in CALL.findall(text)]


async def carried_out(text: str, service: Service, peers: TwoPeers) -> Sequence[Mapping[str, Any]]:
    """The answers to the calls of the document, in order, with the peers' usual addresses."""
    known = {
        "BASE": service.url,
        "ZAMMAD": peers.zammad_url.rstrip("/"),
        "KIMAI": peers.kimai_url.rstrip("/"),
        "ZAMMAD_TOKEN": ZAMMAD_TOKEN,
        "KIMAI_TOKEN": KIMAI_TOKEN,
        "PASSWORD": ADMIN_PASSWORD,
    }
    answers = []
    async with service.client() as http:
        for call in calls(text):
            response = await _sent(http, _expanded(call.command, known))
            answer = response.json()
            assert response.is_success or "/99" in call.command, answer  # there is no connector 99
            known |= {"TOKEN": answer["access_token"]} if "access_token" in answer else {}
            if "/entries?" in call.command and "sort" in call.command:
                known["ENTRY"] = str(answer["items"][0]["id"])
            answers.append(_usual(answer, known))
    return answers


def _expanded(command: str, known: Mapping[str, str]) -> str:
    """As a shell would: the variables, then the lines that go on."""
    return Template(command.replace("\\\n", " ")).substitute(known)


async def _sent(http: httpx.AsyncClient, command: str) -> httpx.Response:
    _, url, *options = shlex.split(command)
    headers: dict[str, str] = {}
    data: list[str] = []
    for name, value in zip(options[::2], options[1::2], strict=True):
        match name:
            case "-H":
                field, _, content = value.partition(": ")
                headers[field] = content
            case "-d":
                data.append(value)
            case "--json":
                data.append(value)
                headers["Content-Type"] = "application/json"
            case _:
                raise ValueError(f"curl {name} is not known here")
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")  # as curl does
    method = "POST" if data else "GET"
    return await http.request(method, url, headers=headers, content="&".join(data) or None)


def _usual(answer: Any, known: Mapping[str, str]) -> Any:
    text = json.dumps(answer).replace(known["ZAMMAD"], "http://127.0.0.1:8001")
    text = text.replace(known["KIMAI"], "http://127.0.0.1:8002")
    return {**json.loads(text), **{k: v for k, v in SHOWN.items() if k in answer}}


def outline(answer: Any, name: str = "") -> Any:
    """The answer with only the kind of what differs from run to run."""
    match answer:
        case {"field": str(field), "before": before, "after": after}:
            return {
                "field": field,
                "before": outline(before, field),
                "after": outline(after, field),
            }
        case dict():
            return {key: outline(value, key) for key, value in answer.items()}
        case list() if not VARYING.search(name):
            return [outline(value) for value in answer]
        case None:
            return None
        case str() if not VARYING.search(name):
            return MARKER.sub("TL-…-", answer)
        case _:
            return type(answer).__name__ if VARYING.search(name) else answer


def written(text: str, answers: Sequence[Mapping[str, Any]]) -> str:
    """The document with these answers."""
    left = iter(answers)

    def filled(found: re.Match[str]) -> str:
        answer = json.dumps(next(left), indent=1, ensure_ascii=False)
        return f"```bash\n{found[1]}```\n```json\n{answer}\n```\n"

    return CALL.sub(filled, text)


async def rewrite(dsn: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    async with two_peers(BOOKINGS) as peers, running_service(dsn) as service:
        FILE.write_text(written(text, await carried_out(text, service, peers)), encoding="utf-8")


if __name__ == "__main__":
    with (
        DatabaseServer.running() as server,
        server.database(server.template("migrated", migrated)) as dsn,
    ):
        asyncio.run(rewrite(dsn))
