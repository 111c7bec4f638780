"""Writes ``libs/onrecord/runbook.json``: the runbook's table of error codes, as commands print it.

``python -m support.runbook_entries`` writes it; ``make contracts`` calls it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = _ROOT / "docs" / "runbook.md"
FILE: Final = _ROOT / "libs" / "onrecord" / "runbook.json"


def build_runbook_entries() -> str:
    """Build the file from the page: a JSON object of entries by error code."""
    section = re.search(
        r"^## By error code\n(.*?)^#", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert section, "the runbook has a section by error code"
    entries = {}
    for line in section[1].splitlines():
        if line.startswith("| `"):
            code, meaning, replay_helps, remedy = (
                cell.strip().replace("`", "") for cell in re.split(r"(?<!\\)\|", line)[1:-1]
            )
            entries[code] = {"meaning": meaning, "replay_helps": replay_helps, "remedy": remedy}
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(build_runbook_entries(), "utf-8")
