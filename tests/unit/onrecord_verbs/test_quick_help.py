"""``onrecord --help`` imports nothing that takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

SLOW: Final = {"evaluation.grounding", "judging", "model_client", "openai", "simulator", "spacy"}
"""What only ``onrecord eval`` needs; and what nothing needs to list the commands."""


def test_help_lists_the_commands_without_what_few_of_them_need() -> None:
    program = (
        "import contextlib, io, json, sys\n"
        "from onrecord.cli import run_command\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    run_command(['--help'])\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert SLOW.isdisjoint(json.loads(run.stdout.splitlines()[-1]))
