"""Fixtures for every test: a fresh PostgreSQL database, on one or on every supported release."""

from collections.abc import Iterator

import pytest
import structlog

from tests.support.postgres import DatabaseServer, debian_binaries

pytest_plugins = ("tests.support.leaks",)

RELEASES = ("embedded-18", "debian-15")

# Its own default tells the values of all variables of all frames: a fault takes 15 s to be told.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[DatabaseServer]:
    """The embedded server of this test process, with fsync off."""
    with DatabaseServer.running() as server:
        yield server


@pytest.fixture(scope="session")
def debian_server() -> Iterator[DatabaseServer]:
    """A server of Debian's packages, 15 if installed; skips where there is none."""
    binaries = debian_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL 15 or newer of Debian on this machine")
    with DatabaseServer.running(binaries) as server:
        yield server


@pytest.fixture
def database(embedded_server: DatabaseServer) -> Iterator[str]:
    """DSN of an empty database on the embedded server."""
    with embedded_server.database() as dsn:
        yield dsn


@pytest.fixture(scope="session", params=RELEASES)
def any_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each supported release in turn."""
    name = "embedded_server" if request.param == "embedded-18" else "debian_server"
    server: DatabaseServer = request.getfixturevalue(name)
    return server


@pytest.fixture
def any_database(any_server: DatabaseServer) -> Iterator[str]:
    """DSN of an empty database, on each supported release in turn."""
    with any_server.database() as dsn:
        yield dsn
