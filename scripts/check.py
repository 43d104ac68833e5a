"""Every check, one after the other; stops at the first that fails and names it.

python scripts/check.py            all of them (`make test`)
python scripts/check.py --quick    without the tests (`make check`)
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = [
    ("format", ["-m", "ruff", "format", "--check", "--quiet", "src", "tests", "scripts"]),
    ("lint", ["-m", "ruff", "check", "--quiet", "src", "tests", "scripts"]),
    ("types", ["-m", "mypy"]),
    ("imports", ["-c", "from importlinter.cli import lint_imports_command as c; c()"]),
]
# One more than there are cores: a third of the tests' time is waiting for real seconds.
WORKERS = str(min(4, (os.cpu_count() or 1) + 1))
# The same examples every time: who looks for new ones runs pytest itself.
SAME = ["--hypothesis-profile", "ci"]
SLOWEST = ["--durations", "20"]  # all of it has to stay within a quarter of an hour
DASHBOARD = ("dashboard", ["scripts/dashboard.py", "check"])
# Last and alone: what it measures (first paint, frames) is that of a machine without other work.
BROWSER = ("browser", ["scripts/dashboard.py", "e2e"])
TESTS = ("tests", ["-m", "pytest", "-q", "-n", WORKERS, "--dist", "loadgroup", *SAME, *SLOWEST])


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    # Only what the tools need: a stray DATABASE_URL must not decide what is tested.
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "CI",
        "SYSTEMROOT",
        "VIRTUAL_ENV",
        "HYPOTHESIS_PROFILE",
        "CHROMIUM",
    )
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    dashboard = (DASHBOARD[0], [*DASHBOARD[1], *(["--quick"] if quick else [])])
    # The dashboard first: two test workers that both find it unbuilt would build it together.
    for name, arguments in [*STEPS, dashboard, *([] if quick else [TESTS, BROWSER])]:
        began = time.monotonic()
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=False)
        took = time.monotonic() - began
        print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} in {took:.0f} s", flush=True)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
