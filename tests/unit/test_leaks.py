"""That the suite notices a secret where it must not be; each case in a suite of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import leaks

ROOT = Path(__file__).parents[2]
BEGIN = """
import asyncio, logging, sys
import httpx, pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from tests.support import leaks

SECRET = leaks.register("THE_KEY", "a-secret/of the suite")

app = FastAPI()

@app.get("/loud")
def loud():
    return {"detail": f"wrong: {SECRET}"}

@app.get("/quiet")
def quiet():
    return {"detail": "wrong"}

@app.get("/head")
def head():
    return StreamingResponse(iter(["fine"]), headers={"X-Debug": SECRET})

@app.get("/slow")
def slow():
    return StreamingResponse(iter(["so ", SECRET[:5], SECRET[5:], " ends"]))

@app.post("/token")
def token():
    return {"access_token": SECRET}

def ask(path, method="GET", watched=False):
    async def asked():
        one = app if watched else leaks.witnessed(app)
        transport = httpx.ASGITransport(app=one)
        async with httpx.AsyncClient(transport=transport, base_url="http://s") as client:
            client = leaks.watched(client) if watched else client
            return await client.request(method, path)
    return asyncio.run(asked())
"""
QUIET = {
    "nothing": "assert True",
    "another word": "print('a-secret of another')",
    "an answer without it": "assert ask('/quiet').status_code == 200",
    "the answer to a login": "assert ask('/token', 'POST').json()['access_token'] == SECRET",
}
LOUD = {
    "standard output": "print(SECRET)",
    "standard error": "print(f'<{SECRET}>', file=sys.stderr)",
    "a log line": "logging.getLogger('x').warning('got %s', SECRET)",
    "as part of an address": "print('https://s/?key=a-secret%2Fof%20the%20suite')",
    "an answer": "ask('/loud')",
    "an answer that a client saw": "ask('/loud', watched=True)",
    "a header": "ask('/head')",
    "two parts of an answer": "ask('/slow')",
    "what a process said": "leaks.heard(b'key=' + SECRET.encode())",
}


FIXTURES = """
@pytest.fixture
def leaking_before():
    print(SECRET)
    yield

@pytest.fixture
def leaking_after():
    yield
    print(SECRET)

def test_loud_before(leaking_before):
    pass

def test_loud_after(leaking_after):
    pass
"""


def cases(kind: str, bodies: dict[str, str]) -> str:
    named = enumerate(bodies.values())
    return "".join(f"\ndef test_{kind}_{n}():\n    {body}\n" for n, body in named)


def test_who_leaks_fails_and_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "test_one.py"
    text = BEGIN + cases("loud", LOUD) + cases("quiet", QUIET) + FIXTURES
    file.write_text(text, encoding="utf-8")
    options = (
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.support.leaks",
        "-c",
        "/dev/null",
    )
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    words = re.findall(r"^(PASSED|FAILED|ERROR) .*::test_(\w+)", told.stdout, re.MULTILINE)
    ended = {(name, word) for word, name in words}
    assert ended == {
        *((f"loud_{n}", "FAILED") for n in range(len(LOUD))),
        *((f"quiet_{n}", "PASSED") for n in range(len(QUIET))),
        ("loud_before", "ERROR"),
        ("loud_after", "PASSED"),  # the test itself ...
        ("loud_after", "ERROR"),  # ... and its end
    }, told.stdout
    assert told.stdout.count("THE_KEY shows in") >= len(LOUD) + 2


def test_what_would_show_by_chance_is_no_secret() -> None:
    with pytest.raises(ValueError, match="too short"):
        leaks.register("a word", "short")
