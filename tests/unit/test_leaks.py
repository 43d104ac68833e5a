"""That the suite notices a secret where it must not be; each case in a suite of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.known_secrets import register

ROOT = Path(__file__).parents[2]
BEGIN = """
import logging, sys
import pytest
from tests.support import leaks
from tests.support.known_secrets import public, watch
from tests.support.leaky import *
"""
QUIET = {
    "nothing": "assert True",
    "another word": "print('a-secret of another')",
    "an answer without it": "assert ask('/quiet').status_code == 200",
    "the answer to a login": "assert post('/token', data=FORM).status_code == 200",
    "the same for a client": "assert post('/token', True, data=FORM).status_code == 200",
    "a mask": "post('/echo', json={'api_token': '********'})",
    "nothing as a secret": "post('/echo', json={'api_token': '', 'password': None})",
    "a word": "post('/echo', json={'password': 'password'})",
    "a short one": "post('/echo', json={'password': 'l33t'})",
    "one letter": "post('/echo', json={'password': 'x' * 5_000})",
    "one that the request shows": (
        "post('/echo', json={'username': 'same-as-1', 'password': 'same-as-1'})"
    ),
    "one that is shown on purpose": (
        "public('s3cret for all'); post('/echo', json={'password': 's3cret for all'})"
    ),
    "the address of something else": "post('/echo', json={'url': 'https://desk-1.test'})",
    "what is no JSON": "post('/echo', content=b'{password')",
    "a process that says nothing of it": "say('all is well')",
    "a peer's own token": "visit(ONE)",
    "a token at the address it was given for": "visit(given_for)",
    "a token for some peer": "watch('x', 't0ken-of-a-peer', home=None); visit('t0ken-of-a-peer')",
}
LOUD = {
    "standard output": "print(SECRET)",
    "standard error": "print(f'<{SECRET}>', file=sys.stderr)",
    "a log line": "logging.getLogger('x').warning('got %s', SECRET)",
    "as part of an address": "print('https://s/?key=a-secret%2Fof%20the%20suite')",
    "an answer": "ask('/loud')",
    "an answer that a client saw": "ask('/loud', by_client=True)",
    "a header": "ask('/head')",
    "two parts of an answer": "ask('/slow')",
    "what a process said": "leaks.heard(b'key=' + SECRET.encode())",
    "two parts of what a process says": "say(SECRET)",
    "a token that was sent": "post('/echo', json={'api_token': 'fr3sh-token'})",
    "the same, by a client": "post('/echo', True, json={'api_token': 'fr3sh-token'})",
    "a secret among settings": (
        "post('/echo', json={'settings': [{'webhook_secret': 'a s3cret of mine'}]})"
    ),
    "a new password": "post('/echo', json={'new_password': 'n3w and \"long\"'})",
    "a part of a channel's address": (
        "post('/echo/notifications', json={'url': 'json://me:pa55-w0rd@h/x'})"
    ),
    "a login": "post('/echo', headers={'Authorization': 'Bearer t0ken-of-me'})",
    "a cookie": "post('/echo', headers={'Cookie': 'a=b; timeledger_token=t0ken-of-me'})",
    "what was sent before": (
        "post('/quiet', json={'password': 'n0t to be told'}); print('n0t to be told')"
    ),
    "a refused login that repeats the password": "post('/api/v1/token/', data=FORM)",
    "the same for a client": "post('/api/v1/token/', True, data=FORM)",
    "a login that repeats the password": "post('/token/', data=FORM)",
    "a login that shows its token twice": "post('/api/v1/token', data=FORM)",
    "another peer's token": "visit(ONE, at=1)",
    "our own key at a peer": "visit(SECRET)",
    "a login at a peer": (
        "ask('/quiet', headers={'Authorization': 'Bearer t0ken-of-me'}); visit('t0ken-of-me')"
    ),
    "a secret in an address at a peer": "visit(ONE, '/a-secret%2Fof%20the%20suite')",
    "a token at another address than its own": "visit(given_for, at=1)",
    "a key in a message": "receive(b'dear all, ' + SECRET.encode())",
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
        env={name: value for name, value in os.environ.items() if name != "CI"},  # it says more
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
    assert told.stdout.count(" leaked:\n") == len(LOUD) + 2, "and for no other reason"


UNHEARD = re.compile(
    r"sandbox\.serve import .*\brunning\b|create_subprocess_exec\(|\"api\.cli\"|\bcreate_app\("
)
HEARD = {  # they see to it that it is
    "support/guarded.py": "known(",
    "support/command.py": "heard(",
    "support/service.py": "witnessed(app)",
    "support/impatient.py": "witnessed(create_app(",
    "integration/test_logs.py": "witnessed(app)",
    "chaos/service.py": "heard(line)",
    "chaos/nursery.py": "self._hear(line)",
}
NO_SERVICE = {"chaos/seeds.py", "integration/test_chaos_nursery.py"}  # other processes


def test_no_test_starts_a_service_or_a_peer_that_nobody_listens_to() -> None:
    for file in sorted((ROOT / "tests").rglob("*.py")):
        name, text = file.relative_to(ROOT / "tests").as_posix(), file.read_text(encoding="utf-8")
        if not name.startswith(("bench/", "unit/")) and name not in NO_SERVICE:
            assert not UNHEARD.search(text) or name in HEARD, name
            assert HEARD.get(name, "") in text, name


def test_what_would_show_by_chance_is_no_secret() -> None:
    with pytest.raises(ValueError, match="too short"):
        register("a word", "short")
