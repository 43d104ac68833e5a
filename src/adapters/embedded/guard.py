"""Runs one PostgreSQL server and stops it when the service that asked for it is gone.

A program of its own, started as a file with `-I -S`: standard library only, one thread, so
that it starts in milliseconds and may fork. It drops privileges first, then runs the server
named by its plan (JSON, first argument):

    {"argv": [...], "cwd": "...", "uid": 65534 | null, "gid": 65534 | null, "locks": [fd, ...]}

Standard input is the lifeline: its end means stop. Standard output carries one line, the pid
of the server. Exit code 0: stopped as asked; 1: the server ended by itself.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

ORDERLY = 20.0  # seconds for a fast shutdown, which writes a checkpoint
AT_ONCE = 5.0  # seconds for an immediate shutdown; the next start then recovers from the log
PARENT_CHECK = 1.0  # seconds; the lifeline may be held open by a forked child of a dead service
PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def main(plan: dict[str, Any]) -> int:
    service = os.getppid()
    os.chdir(plan["cwd"])
    _drop_privileges(plan["uid"], plan["gid"])
    wake = _wake_on_signals()
    server = subprocess.Popen(  # noqa: S603 - the plan comes from the supervisor, not from outside
        plan["argv"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=plan["locks"],  # held until the last server process is gone
        preexec_fn=_die_with_the_guard,  # noqa: PLW1509 - safe: this program has one thread
    )
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    while server.poll() is None:
        if _asked_to_stop(wake) or os.getppid() != service:
            _stop(server)
            return 0
    return 1


def _drop_privileges(uid: int | None, gid: int | None) -> None:
    if uid is None or gid is None:
        return
    os.setgroups([])
    os.setresgid(gid, gid, gid) if hasattr(os, "setresgid") else os.setgid(gid)
    os.setresuid(uid, uid, uid) if hasattr(os, "setresuid") else os.setuid(uid)


def _die_with_the_guard() -> None:
    """Have the kernel shut the server down should the guard itself be killed (Linux only).

    Set after the change of user, which would clear it; the caller must not be a thread, whose
    end would count as the parent's death.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _wake_on_signals() -> int:
    """Turn a child's end and a request to terminate into bytes that `select` sees."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reader


def _asked_to_stop(wake: int) -> bool:
    """Sleep until something happens; true when the lifeline ended or a signal asks for the end."""
    ready, _, _ = select.select([0, wake], [], [], PARENT_CHECK)
    if 0 in ready and not os.read(0, 64):
        return True
    signals = os.read(wake, 64) if wake in ready else b""
    return signal.SIGTERM in signals or signal.SIGINT in signals


def _stop(server: "subprocess.Popen[bytes]") -> None:
    for number, patience in ((signal.SIGINT, ORDERLY), (signal.SIGQUIT, AT_ONCE)):
        server.send_signal(number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.5)
                return
    server.kill()
    server.wait()


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
