"""Using the server that a running service keeps, for commands typed beside it."""

import os
from pathlib import Path
from urllib.parse import quote

from adapters.embedded.folder import USER, Folder

PORT_LINE = 3  # of postmaster.pid: pid, data folder, start, port, ...


def running_server(folder: Path) -> str | None:
    """The DSN of the server in `folder` while a service uses it; None when nobody does.

    With password: never log it.
    """
    home = Folder(folder)
    if home.server_pid() is None or _is_free(home):
        return None
    try:
        port = int((home.data / "postmaster.pid").read_text().splitlines()[PORT_LINE])
        password = quote(home.password(), safe="")
    except (OSError, ValueError, IndexError):
        return None  # it is starting or ending
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/timeledger?sslmode=disable"


def _is_free(home: Folder) -> bool:
    """Whether no service holds the folder, so that a server in it is about to end."""
    lock = home.lock("service.lock")
    if lock is None:
        return False
    os.close(lock)
    return True
