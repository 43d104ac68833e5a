"""Make .venv and install the locked dependencies into it. Needs nothing but Python 3.11+.

    python3 scripts/bootstrap.py          what the service needs
    python3 scripts/bootstrap.py --dev    and what its tests need

Runs again only when a lock file has changed.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything is checked
        found = ".".join(map(str, sys.version_info[:3]))
        return fail(f"Timeledger needs Python 3.11 or newer; this is {found} ({sys.executable}).")
    dev = "--dev" in sys.argv[1:]
    lock = ROOT / ("requirements-dev.lock" if dev else "requirements.lock")
    if not healthy():
        print("Creating .venv ...", flush=True)
        if run([sys.executable, "-m", "venv", "--clear", str(VENV)]):
            return fail("No virtual environment. On Debian: apt-get install python3-venv")
    stamp = VENV / ("dev.stamp" if dev else "runtime.stamp")
    fingerprint = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text().strip() != fingerprint:
        print(f"Installing {lock.name} (once; about a minute) ...", flush=True)
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if run([*pip, "--require-hashes", "-r", str(lock)]):
            return fail(f"{lock.name} could not be installed; the lines above say why.")
        if run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]):
            return fail("The project itself could not be installed; the lines above say why.")
    stamp.write_text(fingerprint + "\n")
    if dev:  # the development lock holds all of the other one
        runtime = ROOT / "requirements.lock"
        (VENV / "runtime.stamp").write_text(hashlib.sha256(runtime.read_bytes()).hexdigest() + "\n")
    return 0


def healthy() -> bool:
    return PYTHON.exists() and not run([str(PYTHON), "-m", "pip", "--version"], quiet=True)


def run(command: list[str], *, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, check=False, stdout=output, stderr=output).returncode


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
