"""Debian's nginx with the configuration that Docker Compose ships, before the real service."""

import asyncio
import gzip
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template

import httpx
import pytest

from api.transport import MOST_BYTES
from domain.delivery.events import WebhookDeliveryReceived
from tests.integration.test_webhook_door import BODY, PATH, SECRET, door, headers, recorded
from tests.support.service import ADMIN, ADMIN_PASSWORD, Service

# On one worker: two that find the dashboard unbuilt would build it on top of each other.
pytestmark = pytest.mark.xdist_group("nginx")
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "nginx"
PATIENCE = 10.0  # seconds
# What `nginx.conf` of the official image has around the servers, for a process of our own.
AROUND = """
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log $folder/error.log info;
events {}
http {
    types { text/html html; text/css css; text/javascript js; image/svg+xml svg; font/woff2 woff2; }
    default_type application/octet-stream;
    access_log $folder/access.log;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    include $folder/default.conf;
}
"""


@pytest.fixture(scope="session")
def nginx() -> str:
    """The program of this machine, installed when that is ours to do."""
    if shutil.which("nginx") is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "nginx-light"], check=True)
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert program, "this test needs nginx: apt-get install nginx-light"
    return program


@pytest.fixture(scope="session")
def pages() -> Path:
    """The built dashboard."""
    subprocess.run([sys.executable, "scripts/dashboard.py", "build"], cwd=ROOT, check=True)
    return ROOT / "frontend" / "dist"


@dataclass(frozen=True)
class Front:
    """Where the front door and the two status pages are."""

    url: str
    status_urls: tuple[str, str]


def free() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def started(program: str, folder: Path, shipped: str, **variables: str) -> Iterator[None]:
    """One nginx with a shipped template, its variables filled in as the image does it."""
    folder.mkdir()
    text = (SHIPPED / shipped).read_text()
    for name, value in variables.items():
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text, "a variable of the template has no value"
    (folder / "default.conf").write_text(text)
    around = Template(AROUND).substitute(folder=folder)
    (folder / "nginx.conf").write_text(around)
    command = [program, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


async def answers(url: str, folder: Path) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            with suppress(httpx.ConnectError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(0.05)
            assert (
                not (folder / "error.log").exists()
                or "[emerg]" not in (folder / "error.log").read_text()
            )


@asynccontextmanager
async def in_front(
    program: str, folder: Path, pages: Path, service: Service, *, scheme: str = ""
) -> AsyncIterator[Front]:
    front, frontend, status, other = (free() for _ in range(4))
    with ExitStack() as stack:
        one, two = folder / "pages", folder / "front"
        stack.enter_context(
            started(
                program, one, "pages.conf.template",
                PAGES_LISTEN=frontend, PAGES_ROOT=str(pages), STATUS_LISTEN=status,
                ACCESS_LOG=str(one / "access.log"),
            )
        )  # fmt: skip
        await answers(f"http://{status}/nginx_status", one)
        stack.enter_context(
            started(
                program, two, "front.conf.template",
                FRONT_LISTEN=front, FRONTEND_URL=f"http://{frontend}", BACKEND_URL=service.url,
                STATUS_LISTEN=other, ACCESS_LOG=str(two / "access.log"),
                RESOLVER="127.0.0.1", PUBLIC_SCHEME=scheme,
            )
        )  # fmt: skip
        statuses = (f"http://{status}/nginx_status", f"http://{other}/nginx_status")
        await answers(statuses[1], two)
        yield Front(f"http://{front}", statuses)


async def test_pages_have_the_headers_that_the_service_gives_them(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    scripts = (pages / "assets").glob("*.js")
    asset = max(scripts, key=lambda path: path.stat().st_size).name
    async with (
        door(database) as service,
        in_front(nginx, tmp_path, pages, service) as front,
        httpx.AsyncClient(headers={"Accept-Encoding": "identity"}) as client,
    ):
        for path in ("/", "/login", "/theme.js", "/icon.svg", f"/assets/{asset}"):
            ours = await client.get(service.url + path)
            theirs = await client.get(front.url + path)
            assert theirs.status_code == ours.status_code == 200
            assert theirs.content == ours.content
            expected = {
                name: value
                for name, value in ours.headers.items()
                if name.startswith(("x-content", "x-frame", "referrer", "cross-", "permissions"))
                or name in ("content-security-policy", "cache-control")
            }
            assert len(expected) == 8
            assert {name: theirs.headers[name] for name in expected} == expected
            assert theirs.headers["content-type"].startswith(
                ours.headers["content-type"].partition(";")[0]
            )
        packed = {"Accept-Encoding": "gzip"}
        async with client.stream("GET", f"{front.url}/assets/{asset}", headers=packed) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert gzip.decompress(raw) == (pages / "assets" / asset).read_bytes()
        for url in front.status_urls:
            assert "Active connections" in (await client.get(url)).text
        assert (await client.get(f"{front.url}/nginx_status")).status_code == 404
        assert (await client.get(f"{service.url}/metrics/")).status_code == 200
        for spelling in ("/metrics", "/metrics/", "/metrics//", "//metrics", "/metrics%2F"):
            assert (await client.get(front.url + spelling)).status_code == 404, spelling
        missing = await client.get(f"{front.url}/nowhere")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_the_api_answers_through_it_as_itself(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    async with (
        door(database) as service,
        in_front(nginx, tmp_path, pages, service) as front,
        httpx.AsyncClient(base_url=front.url, headers=service.http.headers) as client,
    ):
        assert (await client.get("/api/health")).json()["status"] == "healthy"
        listed = await client.get("/api/v1/connectors/")
        assert [one["name"] for one in listed.json()] == ["Desk"]
        page = {"Origin": front.url, "Sec-Fetch-Site": "same-origin"}
        login = await client.post(
            "/token", data={"username": "alice", "password": "no"}, headers=page
        )
        assert (login.status_code, login.json()["code"]) == (401, "bad_credentials")
        large = await client.post(PATH, content=b"x" * (MOST_BYTES + 1))
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


async def test_a_delivery_keeps_its_bytes_and_its_senders_address(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    async with (
        door(database, trusted_proxies="127.0.0.1") as service,
        in_front(nginx, tmp_path, pages, service) as front,
        httpx.AsyncClient(base_url=front.url) as client,
    ):
        body = b'{"ticket": {"id": 50},\r\n "text": "\xc3\xa4\xe2\x82\xac"}'
        claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        known = {**headers(body, SECRET, "one"), **claimed}
        assert (await client.post(PATH, content=body, headers=known)).status_code == 202
        (received,) = await recorded(service, WebhookDeliveryReceived)
        address = received.metadata.ip_address
        assert address is not None
        assert address.value == "127.0.0.1"  # as nginx saw it, not as the sender claims
        assert received.event.size == len(body)


async def test_behind_a_proxy_that_ends_tls_it_is_told_how_people_reach_it(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    async with (
        door(database, trusted_proxies="127.0.0.1") as service,
        in_front(nginx, tmp_path, pages, service, scheme="https") as front,
        httpx.AsyncClient(base_url=front.url) as browser,
    ):
        page = "https" + front.url.removeprefix("http")
        form = {"username": ADMIN, "password": ADMIN_PASSWORD}
        answer = await browser.post("/token", data=form, headers={"Origin": page})
        assert "Secure" in answer.headers["set-cookie"]
        system = await browser.get("/api/v1/system", headers=service.http.headers)
        assert system.json()["webhook_url"] == page + PATH
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        refused = await browser.post("/logout", headers={**cookie, "Origin": front.url})
        assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")
        done = await browser.post("/logout", headers={**cookie, "Origin": page})
        assert done.status_code == 204


async def test_what_was_searched_for_is_not_logged(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    async with (
        door(database) as service,
        in_front(nginx, tmp_path, pages, service) as front,
        httpx.AsyncClient(base_url=front.url, headers=service.http.headers) as client,
    ):
        for path in ("/api/v1/entries", "/login"):
            assert (await client.get(path, params={"user": "Priya"})).status_code == 200
    for nginx_of in ("front", "pages"):  # each has said all once it has ended
        said = logged(tmp_path / nginx_of)
        assert "/login HTTP" in said
        assert "Priya" not in said


def logged(folder: Path) -> str:
    return (folder / "access.log").read_text()


async def test_frames_of_the_live_stream_come_at_once(
    database: str, nginx: str, pages: Path, tmp_path: Path
) -> None:
    async with (
        door(database) as service,
        in_front(nginx, tmp_path, pages, service) as front,
        httpx.AsyncClient(base_url=front.url, headers=service.http.headers) as client,
        client.stream("GET", "/api/v1/stream?types=delivery.received", timeout=30) as stream,
    ):
        assert stream.status_code == 200
        lines = stream.aiter_lines()
        async with service.client() as sender:
            known = headers(BODY, SECRET, "one")
            assert (await sender.post(PATH, content=BODY, headers=known)).status_code == 202
        async with asyncio.timeout(PATIENCE):  # a heartbeat, which would push it on, takes 15 s
            while await anext(lines) != "event: delivery.received":
                pass
