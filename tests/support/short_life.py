"""A program that says what it was told, and ends with CODE or stays; for tests of the nursery."""

import os
import sys
import time


def main() -> None:
    sys.stdout.write(f"{os.environ['CODE']} {' '.join(sys.argv[1:])}\n")
    sys.stdout.flush()
    if sys.argv[1:] == ["stay"]:
        time.sleep(600)
    sys.exit(int(os.environ["CODE"]))
