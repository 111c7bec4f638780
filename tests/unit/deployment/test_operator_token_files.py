"""Every service that is deployed has a file with the operators' token, and the CLI finds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.topics import CONTROL, PIPELINE
from control.settings import ControlSettings
from local_stack.spec import load_stack_spec

ROOT = Path(__file__).parents[3]
SERVICES = (*PIPELINE, CONTROL)


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_names_a_file_of_the_containers_own(service: str) -> None:
    image = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    found = re.findall(rf"\b{service.upper()}_OPERATOR_TOKEN_FILE=(\S+)", image)
    assert found == ["/tmp/operator-token"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_local_stack_provides_the_places_of_the_token_and_the_service(service: str) -> None:
    process = load_stack_spec(ROOT / "deploy/local/stack.yaml").processes[service]
    setting = f"{service.upper()}_OPERATOR_TOKEN_FILE"
    assert process.env[setting] == process.provides[setting] == "{data}/operator-token"
    assert process.provides[f"ONRECORD_{service.upper()}_URL"] == "http://127.0.0.1:{port}"


@pytest.mark.parametrize("service", SERVICES)
def test_the_services_of_compose_share_one_token(service: str) -> None:
    found = _compose()[service]
    assert found["environment"][f"{service.upper()}_OPERATOR_TOKEN_FILE"] == "/operator/token"
    assert "operator:/operator" in found["volumes"]
    # A new volume has the owner and mode of the image's folder.
    image = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    assert "install -d -m 700 -o 10001 -g 10001 /operator" in image


@pytest.mark.parametrize("service", PIPELINE)
def test_control_of_compose_reaches_each_service_for_rehearsals(service: str) -> None:
    services = _compose()
    urls = ControlSettings.model_validate(
        {"stage_urls": services["control"]["environment"]["CONTROL_STAGE_URLS"]}
    ).stage_urls
    assert urls[service] == f"http://{service}:8080"
    allowed = services[service]["environment"][f"{service.upper()}_HTTP_ALLOWED_HOSTS"]
    assert allowed == service
    assert {*services[service]["networks"]} & {*services["control"]["networks"]}


def _compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))[
        "services"
    ]
    return services
