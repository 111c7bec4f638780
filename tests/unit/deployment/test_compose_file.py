from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from guardrail.settings import GuardrailSettings
from judging.settings import JudgeSettings
from onrecord.settings import COMPOSE
from support.kafka_jars import kafka_version

ROOT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("onrecord:")}
SAID_BY_COMPOSE = (
    "process.roles",
    "node.id",
    "controller.listener.names",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
)
FOR_TESTS_ONLY = (
    "group.initial.rebalance.delay.ms",
    "log.cleaner.dedupe.buffer.size",
    "offsets.topic.num.partitions",
    "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.num.partitions",
)


def default_of(value: str) -> str:
    name, _, rest = value.partition(":-")
    return value if not rest else name.split("${")[0] + "".join(rest.split("}", 1))


def test_clients_on_the_host_expect_the_ports_that_are_published() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    output = {name: default_of(ports[0]).rpartition(":")[0] for name, ports in published.items()}
    assert output["kafka"] == COMPOSE["KAFKA_BOOTSTRAP_SERVERS"]
    assert f"http://{output['control']}" == COMPOSE["ONRECORD_CONTROL_URL"]


def test_every_port_is_published_on_loopback_only() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_no_password_stands_in_the_file_or_is_known_to_clients_before_it_is_generated() -> None:
    for name, one in SERVICES.items():
        for variable, value in (one.get("environment") or {}).items():
            if "DSN" in variable:
                assert urlsplit(value).password is None, name
            if variable.endswith("PASSWORD"):
                assert value is None, name  # passed on from whoever sets it
    assert not [name for name in COMPOSE if "POSTGRES" in name]


def test_the_superusers_password_is_mounted_where_it_is_needed_and_nowhere_else() -> None:
    volumes = {name: one.get("volumes", ()) for name, one in SERVICES.items()}
    mounted = {
        name: one.rpartition(":")[2]
        for name, mounts in volumes.items()
        for one in mounts
        if one.startswith("login-superuser:")
    }
    assert mounted.keys() == {"passwords", "postgres", "roles"}
    assert (mounted["postgres"], mounted["roles"]) == ("ro", "ro")


def test_a_container_is_in_the_networks_of_what_it_talks_to() -> None:
    networks = {name: {*one.get("networks", ())} for name, one in SERVICES.items()}
    assert SERVICES["passwords"]["network_mode"] == "none"
    assert networks.pop("passwords") == set()
    assert networks == {
        "kafka": {"broker"},
        "topics": {"broker"},
        "ingestion": {"broker", "database"},
        "postgres": {"database"},
        "roles": {"database"},
        "migrations": {"database"},
        "simulator": {"model"},
        "enrichment": {"broker", "database", "model"},
        "guardrail": {"broker", "database", "model"},
        "persistence": {"broker", "database"},
        "control": {"broker", "database"},
    }
    assert PROJECT["networks"].keys() == {"broker", "database", "model"}


def test_every_container_has_a_limit_of_processes_and_gains_no_rights() -> None:
    for name, one in SERVICES.items():
        assert 0 < one["pids_limit"] <= 1024, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_broker_may_write_to_its_image() -> None:
    writable = {name for name, one in SERVICES.items() if not one.get("read_only")}
    assert writable == {"kafka"}  # its image writes its configuration at each start


def test_the_broker_is_the_release_that_the_tests_run_on() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_the_broker_is_set_as_in_the_tests() -> None:
    lines = (ROOT / "deploy/kafka/server.properties").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    theirs = {name: value for name, value in pairs if name not in SAID_BY_COMPOSE + FOR_TESTS_ONLY}
    ours = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in SERVICES["kafka"]["environment"].items()
    }
    kafkas_default = {
        "delete.topic.enable": "true",
        "num.partitions": "1",
        "unclean.leader.election.enable": "false",
    }
    assert theirs.items() <= (kafkas_default | ours).items()


def test_what_is_ours_cannot_write_to_its_image_nor_gain_rights() -> None:
    for name, one in OURS.items():
        assert one["read_only"], name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name


def test_only_what_has_a_port_on_the_host_cannot_be_scaled() -> None:
    assert {name for name, one in OURS.items() if "ports" in one} == {"control"}
    assert [name for name, one in SERVICES.items() if "container_name" in one] == []


def test_no_container_can_take_the_memory_of_the_others() -> None:
    limits = {name: one.get("mem_limit", "") for name, one in SERVICES.items()}
    assert [name for name, limit in limits.items() if not limit] == []
    assert int(limits["ingestion"].removesuffix("m")) > 512


def test_the_guardrail_gets_every_setting_of_its_judges_and_their_file() -> None:
    guardrail = SERVICES["guardrail"]
    settings = {
        f"GUARDRAIL_{name}".upper()
        for name in GuardrailSettings.model_fields
        if name.startswith("judge")
    }
    assert settings <= guardrail["environment"].keys()
    (mount,) = (one for one in guardrail["volumes"] if one.startswith("${"))
    folder, target, mode = mount.removeprefix("${ONRECORD_MODELS_FOLDER:-").split(":")
    assert (target, mode) == ("/etc/onrecord/models", "ro")
    example = ROOT / folder.removesuffix("}") / "judges.example.yaml"
    first, second = JudgeSettings(
        judge_model=None, judge_models=example, judge_format=None
    ).list_models()
    assert first.judge_format is None
    assert second.judge_format is not None
