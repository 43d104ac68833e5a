"""The Kimai sandbox answers what a real Kimai 2.66 answered.

Normalised before comparing, and nothing else:
- `<TOKEN_X>` in a request becomes the sandbox's token of that person;
- the order of `tags` inside a record (peers/kimai.md §2.2: it differs between two real answers);
- the address of the server in the body and `Location` of a redirect.
"""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from adapters.sandbox.kimai import KimaiState, create_kimai_app, token_of
from tests.support.guarded import running
from tests.support.kimai_recordings import BEFORE, LEFT_OUT, REBUILT, Recording, recordings

ALL = recordings()
RECORDED_AT = "http://127.0.0.1:8001"
_TOKEN = re.compile(r"<TOKEN_(\w+)>")


def _body(recording: Recording) -> bytes | None:
    body = REBUILT.get(recording.name, recording.request["body"])
    if body is None:
        return None
    if isinstance(body, dict) and set(body) == {"raw"}:
        return str(body["raw"]).encode()
    return json.dumps(body).encode()


def _headers(recording: Recording) -> dict[str, str]:
    def token(match: re.Match[str]) -> str:
        return token_of(match[1].lower())

    return {k: _TOKEN.sub(token, v) for k, v in recording.request["headers"].items()}


def _tags_sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_tags_sorted(item) for item in value]
    if isinstance(value, dict):
        return {
            key: sorted(item) if key == "tags" and _texts(item) else _tags_sorted(item)
            for key, item in value.items()
        }
    return value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _answer(response: httpx.Response, base: str) -> dict[str, Any]:
    text = response.text.replace(base, RECORDED_AT)
    try:
        body = json.loads(text) if text else None
    except ValueError:
        body = {"raw": text}
    return {"status": response.status_code, "body": _tags_sorted(body)}


def _expected(recording: Recording) -> dict[str, Any]:
    response = recording.response
    return {"status": response["status"], "body": _tags_sorted(response["body"])}


async def _replay() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    state = KimaiState()
    state.settings.change({"sandbox.legacy_delay_seconds": 0})
    results: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    async with (
        running(create_kimai_app(state)) as base,
        httpx.AsyncClient(base_url=base) as client,
    ):
        for recording in ALL:
            for step in BEFORE.get(recording.name, []):
                step(state)
            response = await client.request(
                recording.request["method"],
                recording.request["path"],
                headers=_headers(recording),
                content=_body(recording),
            )
            got, want = _answer(response, base), _expected(recording)
            for name, value in recording.response["headers"].items():
                want[name] = value
                got[name] = response.headers.get(name, "").replace(base, RECORDED_AT)
            results[recording.name] = got, want
    return results


@pytest.fixture(scope="module")
def replayed() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    return asyncio.run(_replay())


def test_names_are_unique_and_every_step_belongs_to_one() -> None:
    names = [recording.name for recording in ALL]
    assert len(set(names)) == len(names)
    assert set(BEFORE) | set(LEFT_OUT) | set(REBUILT) <= set(names)


def test_few_recordings_are_left_out_and_each_has_a_reason() -> None:
    assert all(reason.strip() for reason in LEFT_OUT.values())
    assert len(LEFT_OUT) < 0.05 * len(ALL)


@pytest.mark.parametrize("name", [r.name for r in ALL if r.name not in LEFT_OUT])
def test_the_sandbox_answers_as_recorded(
    name: str, replayed: dict[str, tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    got, want = replayed[name]
    assert got == want
