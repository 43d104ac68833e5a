"""Every bench, one after the other: `make bench`. Each line is one JSON object."""

import subprocess
import sys

MODULES = (
    "bench_ledger",
    "bench_project",
    "bench_sync",
    "bench_stacking",
    "bench_netting",
    "bench_webhook",
    "bench_stream",
    "bench_views",
)


def main() -> int:
    worst = 0
    for module in MODULES:  # a process each: memory figures must not add up
        done = subprocess.run([sys.executable, "-m", f"tests.bench.{module}"], check=False)
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
