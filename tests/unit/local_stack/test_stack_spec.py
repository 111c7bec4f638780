from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.errors import StackUsageError
from local_stack.spec import StackSpec, find_stack_file, load_stack_spec

ENTRIES: dict[str, Any] = {
    "broker": {"command": ["broker", "{port}"], "ready": "tcp"},
    "model": {"command": ["model", "{port}"], "ready": "tcp", "unless_env": ["OPENAI_API_KEY"]},
    "topics": {"command": ["topics"], "ready": "exit", "after": ["broker"]},
    "reader": {
        "command": ["reader"],
        "env": {"READER_HTTP_PORT": "{port}"},
        "ready": "http",
        "after": ["topics", "model"],
    },
}


def a_spec(**changes: dict[str, Any]) -> StackSpec:
    return StackSpec.model_validate({"processes": ENTRIES | changes})


def written(folder: Path, text: str) -> Path:
    file = folder / "stack.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_needs_are_followed_to_the_end() -> None:
    assert a_spec().needs("reader") == {"topics", "model", "broker"}


def test_only_some_processes_bring_what_they_need_and_nothing_else() -> None:
    assert list(a_spec().select({}, ["topics"]).processes) == ["broker", "topics"]


def test_a_process_is_left_out_and_not_waited_for_when_a_setting_replaces_it() -> None:
    chosen = a_spec().select({"OPENAI_API_KEY": "real"})
    assert "model" not in chosen.processes
    assert chosen.processes["reader"].after == ("topics",)


def test_an_empty_setting_replaces_nothing() -> None:
    assert "model" in a_spec().select({"OPENAI_API_KEY": ""}).processes


def test_a_process_that_has_to_be_asked_for_is_left_out_unless_it_is() -> None:
    spec = a_spec(extra={"command": ["extra", "{port}"], "ready": "tcp", "only_env": "EXTRA"})
    assert "extra" not in spec.select({}).processes
    assert "extra" not in spec.select({"EXTRA": ""}).processes
    assert "extra" in spec.select({"EXTRA": "1"}).processes


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StackUsageError, match="no process 'raeder'; it has broker, model"):
        a_spec().select({}, ["raeder"])


def test_a_process_listed_before_what_it_needs_is_refused(tmp_path: Path) -> None:
    backwards = {"processes": dict(reversed(ENTRIES.items()))}
    with pytest.raises(StackUsageError) as refused:
        load_stack_spec(written(tmp_path, yaml.safe_dump(backwards, sort_keys=False)))
    assert "list it before" in refused.value.details[0]


def test_an_unknown_field_is_refused_by_name(tmp_path: Path) -> None:
    entries = {"processes": {"broker": {**ENTRIES["broker"], "redy": "tcp"}}}
    with pytest.raises(StackUsageError) as refused:
        load_stack_spec(written(tmp_path, yaml.safe_dump(entries)))
    assert refused.value.details[0].startswith("processes.broker.redy")


def test_a_process_that_is_asked_at_a_port_it_does_not_have_is_refused(tmp_path: Path) -> None:
    entries = {"processes": {"broker": {"command": ["broker"], "ready": "tcp"}}}
    with pytest.raises(StackUsageError) as refused:
        load_stack_spec(written(tmp_path, yaml.safe_dump(entries)))
    assert "nothing here has {port}" in refused.value.details[0]


@pytest.mark.parametrize("text", ["processes: [", "", "- 1"])
def test_a_file_that_is_no_stack_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(StackUsageError):
        load_stack_spec(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackUsageError, match="cannot read"):
        load_stack_spec(tmp_path / "absent.yaml")


def test_the_stack_of_this_checkout_is_understood() -> None:
    spec = load_stack_spec(find_stack_file({}))
    assert {"broker", "postgres", "simulator", "ingestion", "control"} <= set(spec.processes)
