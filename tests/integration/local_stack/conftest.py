"""Small stacks for the supervisor's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.spec import find_stack_file
from support.stack import StackFile

HERE = Path(__file__).parent
WORKER: dict[str, Any] = {
    "command": ["{python}", str(HERE / "worker.py"), "{port}"],
    "ready": "http",
    "start_timeout_s": 20,
    "grace_s": 5,
}


@pytest.fixture
def stack_file(tmp_path: Path) -> StackFile:
    """Write a stack.yaml of the given processes: workers, unless a name says what they change."""

    def write(**processes: dict[str, Any]) -> Path:
        file = tmp_path / "stack.yaml"
        entries = {name: WORKER | changes for name, changes in processes.items()}
        file.write_text(yaml.safe_dump({"processes": entries}, sort_keys=False), encoding="utf-8")
        return file

    return write


@pytest.fixture
def databases_and_worker(tmp_path: Path) -> Path:
    """A stack.yaml of the real broker and database, and a worker that comes after both."""
    real = yaml.safe_load(find_stack_file({}).read_text(encoding="utf-8"))["processes"]
    entries = {name: real[name] for name in ("broker", "postgres")}
    entries["worker"] = WORKER | {"after": ["broker", "postgres"]}
    file = tmp_path / "stack.yaml"
    file.write_text(yaml.safe_dump({"processes": entries}, sort_keys=False), encoding="utf-8")
    return file
