from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import pytest

from local_stack.resolve import PlaceholderResolver, choose_free_port
from local_stack.spec import StackSpec, find_stack_file, load_stack_spec
from local_stack.state import StackFolder, StackState

ENTRIES: dict[str, Any] = {
    "broker": {
        "command": ["broker", "{port}", "{data}/b"],
        "ready": "tcp",
        "provides": {"KAFKA": "127.0.0.1:{port}"},
    },
    "model": {
        "command": ["model", ["--seed", "${SEED}"], ["--pace", "${PACE:-1}"]],
        "ready": "exit",
    },
    "reader": {"command": ["reader"], "ready": "exit", "after": ["broker"], "env": {"A": "yaml"}},
}
STATE = StackState(ports={"broker": 20_001})


def a_resolver(
    home: Path, environ: dict[str, str] | None = None, overrides: dict[str, str] | None = None
) -> PlaceholderResolver:
    spec = StackSpec.model_validate({"processes": ENTRIES})
    return PlaceholderResolver(spec, StackFolder(home), environ or {}, overrides or {})


def test_fields_are_filled_in(tmp_path: Path) -> None:
    command = a_resolver(tmp_path).resolve("broker", STATE).command
    assert command == ("broker", "20001", f"{tmp_path}/data/b")


def test_words_with_an_unset_setting_are_left_out(tmp_path: Path) -> None:
    assert a_resolver(tmp_path).resolve("model", STATE).command == ("model", "--pace", "1")


def test_words_with_a_setting_are_kept(tmp_path: Path) -> None:
    command = a_resolver(tmp_path, {"SEED": "7", "PACE": "2"}).resolve("model", STATE).command
    assert command == ("model", "--seed", "7", "--pace", "2")


def test_a_process_gets_what_those_before_it_provide(tmp_path: Path) -> None:
    env = a_resolver(tmp_path).resolve("reader", STATE).env
    assert env == {"KAFKA": "127.0.0.1:20001", "A": "yaml"}


def test_a_process_gets_nothing_from_those_it_does_not_need(tmp_path: Path) -> None:
    assert a_resolver(tmp_path).resolve("model", STATE).env == {}


def test_overrides_win_over_the_file_and_the_environment(tmp_path: Path) -> None:
    resolver = a_resolver(tmp_path, {"A": "environment"}, {"A": "override", "KAFKA": "elsewhere"})
    full = resolver.full_env("reader", resolver.resolve("reader", STATE))
    assert (full["A"], full["KAFKA"]) == ("override", "elsewhere")


def test_clients_are_told_of_started_processes_and_never_of_keys(tmp_path: Path) -> None:
    overrides = {"OPENAI_API_KEY": "real", "KAFKA_TOPIC_PREFIX": "test-"}
    resolver = a_resolver(tmp_path, overrides=overrides)
    assert resolver.client_env(StackState()) == {"KAFKA_TOPIC_PREFIX": "test-"}
    assert resolver.client_env(STATE)["KAFKA"] == "127.0.0.1:20001"


@pytest.mark.parametrize("setting", ["READER_TRIES", "OPENAI_API_KEY", "KAFKA_COMPRESSION"])
def test_an_inherited_setting_makes_a_process_out_of_date(tmp_path: Path, setting: str) -> None:
    before = a_resolver(tmp_path).resolve("reader", STATE).fingerprint
    assert a_resolver(tmp_path, {setting: "5"}).resolve("reader", STATE).fingerprint != before


@pytest.mark.parametrize("setting", ["PATH", "BROKER_TRIES", "ONRECORD_HOME"])
def test_settings_that_are_not_its_own_do_not(tmp_path: Path, setting: str) -> None:
    before = a_resolver(tmp_path).resolve("reader", STATE).fingerprint
    assert a_resolver(tmp_path, {setting: "5"}).resolve("reader", STATE).fingerprint == before


def test_a_port_that_is_taken_is_not_chosen() -> None:
    first = choose_free_port(StackState(), "broker", random.Random(1))
    with socket.create_server(("127.0.0.1", first)):
        assert choose_free_port(StackState(), "broker", random.Random(1)) != first


SERVICES = {"control", "persistence", "guardrail", "enrichment", "ingestion"}
CALLERS = {"guardrail", "enrichment"}
"""Services that may call a model."""


@pytest.mark.parametrize(
    ("setting", "more", "readers"),
    [
        ("ONRECORD_MODEL", {}, CALLERS),
        ("ONRECORD_MODEL", {"OPENAI_API_KEY": "k"}, CALLERS),
        ("ONRECORD_MODEL_PRICED_AS", {"OPENAI_BASE_URL": "http://here"}, CALLERS),
        ("OPENAI_TIMEOUT_S", {}, CALLERS),
        ("ONRECORD_BUDGET_PER_DAY_USD", {}, CALLERS),
        ("ONRECORD_CACHE", {}, CALLERS),
        ("GUARDRAIL_JUDGE", {}, CALLERS),  # the simulator brings its default
        ("ONRECORD_SIMULATOR_SEED", {}, {"simulator"}),
        ("ENRICHMENT_TRIES", {}, {"enrichment"}),
        ("GUARDRAIL_PROCESSES", {}, {"guardrail"}),
        ("KAFKA_TOPIC_PREFIX", {}, {"topics"} | SERVICES),
        ("PATH", {}, set()),
    ],
)
def test_of_the_local_stack_those_are_restarted_that_read_a_setting(
    tmp_path: Path, setting: str, more: dict[str, str], readers: set[str]
) -> None:
    whole = load_stack_spec(find_stack_file({}))
    home = StackFolder(tmp_path / "home")
    home.create()
    state = StackState(ports=dict(zip(whole.processes, range(20_000, 20_100), strict=False)))

    def hashes(environ: dict[str, str]) -> dict[str, str]:
        resolver = PlaceholderResolver(whole.select(environ), home, environ, {})
        return {
            name: resolver.resolve(name, state).fingerprint
            for name in whole.select(environ).processes
        }

    before, after = hashes(more), hashes({**more, setting: "5"})
    assert {name for name in before if before[name] != after[name]} == readers


@pytest.mark.parametrize(
    ("environ", "judge", "asked"),
    [
        ({}, "off", "http://127.0.0.1:20002/v1"),
        ({"ONRECORD_LOCAL_MODEL": "1"}, "off", "http://127.0.0.1:20003/v1"),
        ({"ONRECORD_LOCAL_MODEL": "1", "OPENAI_API_KEY": "k"}, "off", "http://127.0.0.1:20003/v1"),
        ({"GUARDRAIL_JUDGE": "doubtful"}, "doubtful", "http://127.0.0.1:20002/v1"),
        ({"OPENAI_BASE_URL": "http://real/v1"}, None, "http://real/v1"),
        ({"OPENAI_BASE_URL": "http://real/v1", "GUARDRAIL_JUDGE": "off"}, "off", "http://real/v1"),
    ],
)
def test_a_real_model_judges_and_a_stand_in_for_one_only_if_it_is_asked_for(
    tmp_path: Path, environ: dict[str, str], judge: str | None, asked: str
) -> None:
    whole = load_stack_spec(find_stack_file({}))
    home = StackFolder(tmp_path / "home")
    home.create()
    state = StackState(ports=dict(zip(whole.processes, range(20_000, 20_100), strict=False)))
    resolver = PlaceholderResolver(whole.select(environ), home, environ, {})
    full = resolver.full_env("guardrail", resolver.resolve("guardrail", state))
    assert (full.get("GUARDRAIL_JUDGE"), full.get("OPENAI_BASE_URL")) == (judge, asked)


def test_two_processes_never_share_a_port() -> None:
    first = choose_free_port(StackState(), "broker", random.Random(1))
    assert (
        choose_free_port(StackState(ports={"broker": first}), "reader", random.Random(1)) != first
    )
