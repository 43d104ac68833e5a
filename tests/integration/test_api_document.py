"""docs/api.md is true: its calls, in order, have the answers that stand there."""

import json
import re

from api import schema
from tests.support.api_document import BOOKINGS, CALL, FILE, calls, carried_out, outline
from tests.support.service import running_service
from tests.support.two_peers import two_peers


async def test_the_calls_of_the_document_answer_as_it_says(migrated: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    async with two_peers(BOOKINGS) as peers, running_service(migrated) as service:
        answers = await carried_out(text, service, peers)
        assert peers.sheets > 0
    for call, answer in zip(calls(text), answers, strict=True):
        assert outline(json.loads(call.answer)) == outline(answer), call.command


def test_every_call_of_the_document_is_carried_out() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(CALL.findall(text)) == text.count("curl ") == 11
    assert [line for line in text.splitlines() if line.startswith("## ")][:10] == [
        line for line in text.splitlines() if line.startswith("## ") and line[3].isdecimal()
    ]


def test_what_the_document_names_is_there() -> None:
    text = FILE.read_text(encoding="utf-8")
    served = {_nameless(path) for path in schema.document()["paths"]}
    named = map(_nameless, re.findall(r"`(?:GET|POST) (/[a-z0-9/{}_-]+)", text))
    assert len(found := set(named)) >= 5
    assert found <= served


def _nameless(path: str) -> str:
    """Whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path)
