"""Which model the local stack brings along, by the settings."""

from __future__ import annotations

import pytest

from local_stack.spec import StackSpec, find_stack_file, load_stack_spec


@pytest.fixture
def spec() -> StackSpec:
    return load_stack_spec(find_stack_file({}))


@pytest.mark.parametrize(
    ("env", "model"),
    [
        ({}, "simulator"),
        ({"OPENAI_API_KEY": "real"}, None),
        ({"ONRECORD_LOCAL_MODEL": "1"}, "local-model"),
        # It was asked for: what the shell has set for other programs does not count.
        ({"ONRECORD_LOCAL_MODEL": "1", "OPENAI_API_KEY": "real"}, "local-model"),
    ],
)
def test_at_most_one_model_is_started(
    spec: StackSpec, env: dict[str, str], model: str | None
) -> None:
    chosen = spec.select(env)
    models = {"simulator", "local-model"} & chosen.processes.keys()
    assert models == ({model} if model else set())
    assert models <= set(chosen.processes["enrichment"].after)
