"""Every service that is deployed has a file with the operators' token, and the CLI finds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.topics import CONTROL, PIPELINE
from local_stack.spec import load_stack_spec

ROOT = Path(__file__).parents[3]
SERVICES = (*PIPELINE, CONTROL)


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_names_a_file_of_the_containers_own(service: str) -> None:
    image = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    found = re.findall(rf"\b{service.upper()}_OPERATOR_TOKEN_FILE=(\S+)", image)
    assert found == ["/tmp/operator-token"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_local_stack_tells_its_user_where_the_token_and_the_service_are(service: str) -> None:
    process = load_stack_spec(ROOT / "deploy/local/stack.yaml").processes[service]
    setting = f"{service.upper()}_OPERATOR_TOKEN_FILE"
    assert process.env[setting] == process.provides[setting] == "{data}/operator-token"
    assert process.provides[f"ONRECORD_{service.upper()}_URL"] == "http://127.0.0.1:{port}"
