"""A program with an attached stack, for tests that end it: ``parent.py HOME STACK_YAML``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from local_stack.supervisor import LocalStack


def main() -> None:
    with LocalStack(Path(sys.argv[1]), file=Path(sys.argv[2])):
        sys.stdout.write("up\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main()
