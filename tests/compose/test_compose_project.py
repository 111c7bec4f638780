"""The compose project as people run it: up, submit, break things, count, down.

It has a name, ports and volumes of its own, so that it disturbs nobody's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from support.broker import free_port
from support.waiting import eventually

ROOT: Final = Path(__file__).resolve().parents[2]
SAMPLES: Final = ROOT / "samples"
UP_S: Final = 600
DONE_S: Final = 300
HEALTHY_S: Final = 300
MANY: Final = 12
"""Interviews on their way while things break: enough for a minute's work."""
pytestmark = pytest.mark.timeout(1_200)

SERVICES: Final = ("control", "enrichment", "guardrail", "ingestion", "persistence")


class Project:
    """One compose project, and the clients on this machine that talk to it."""

    def __init__(self) -> None:
        kafka, postgres, control = free_port(), free_port(), free_port()
        self.name = f"onrecord-test-{os.getpid()}"
        self._env = {
            **{name: value for name, value in os.environ.items() if not _is_setting(name)},
            "COMPOSE_PROJECT_NAME": self.name,
            "ONRECORD_KAFKA_PORT": str(kafka),
            "ONRECORD_POSTGRES_PORT": str(postgres),
            "ONRECORD_CONTROL_PORT": str(control),
            "ONRECORD_URL": f"http://127.0.0.1:{control}",
        }

    def compose(self, *words: str, within_s: float = UP_S) -> str:
        """Run ``docker compose``; what it printed."""
        # Neither this machine's overrides nor its .env, which may name a model that costs money.
        own = ("--file", "docker-compose.yml", "--env-file", os.devnull)
        return self._run(("docker", "compose", *own, *words), within_s)

    def up(self) -> None:
        """Start everything, and take the command line's token from where control made it."""
        self.compose("up", "--detach", "--wait")
        self._env["ONRECORD_TOKEN"] = self.admin_token()

    def admin_token(self) -> str:
        """The token that control made for its admin."""
        return self.compose("exec", "-T", "control", "cat", "/tmp/control/admin-token").strip()

    def docker(self, *words: str) -> str:
        """Run ``docker``; what it printed."""
        return self._run(("docker", *words), 60)

    def onrecord(self, *words: str, within_s: float = DONE_S, **settings: str) -> Any:
        """Run a verb of the CLI as anybody would; its JSON."""
        command = (str(Path(sys.executable).with_name("onrecord")), *words, "--json")
        return json.loads(self._run(command, within_s, **settings))

    def _run(self, words: tuple[str, ...], within_s: float, **settings: str) -> str:
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={name: value for name, value in (self._env | settings).items() if value},
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers."""
        return self.compose("ps", "--quiet", service).split()

    def inspect(self, container: str) -> Any:
        """What the engine knows of a container."""
        return json.loads(self.docker("inspect", container))[0]

    def kill(self, service: str) -> None:
        """End a service's process with -9, as a crash would."""
        for container in self.containers(service):
            pid = self.inspect(container)["State"]["Pid"]
            if _is_here(pid, container):
                os.kill(pid, signal.SIGKILL)  # the engine is to start it again
            else:
                self.docker("kill", container)  # which it takes for a wish
                self.docker("start", container)

    def is_healthy(self, service: str) -> bool:
        """Whether all containers of a service say so."""
        states = [self.inspect(one)["State"] for one in self.containers(service)]
        return bool(states) and all(one["Health"]["Status"] == "healthy" for one in states)

    def waits_for(self, service: str) -> None:
        """Wait until a service is healthy."""
        eventually(partial(self.is_healthy, service), within_s=HEALTHY_S, pause_s=1)


def _is_setting(name: str) -> bool:
    return name.startswith(("ONRECORD_", "KAFKA_", "POSTGRES_", "OPENAI_", "COMPOSE_"))


def _is_here(pid: int, container: str) -> bool:
    """Whether a container's process is one of this machine's that we may end."""
    try:
        mine = container in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False
    return mine and os.geteuid() == 0


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    made = Project()
    try:
        made.up()
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "20")


@pytest.fixture
def many_interviews(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of interviews in a study of the test's own."""
    study = yaml.safe_load((SAMPLES / "study.yaml").read_text(encoding="utf-8"))
    study["study_id"] = request.node.name.replace("_", "-")[:60]
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    for number in range(MANY):
        shutil.copy(SAMPLES / "bike-shop.vtt", tmp_path / f"interview-{number}.vtt")
    return tmp_path


def test_after_up_submitting_needs_the_token_and_no_further_step(project: Project) -> None:
    project.onrecord("submit", str(SAMPLES), "--wait", "--timeout", str(DONE_S))
    notes = project.onrecord("notes")
    assert notes
    assert all(evidence["quote"] for note in notes for evidence in note["evidence"])


def test_control_takes_the_token_that_it_made_and_no_other(project: Project) -> None:
    assert project.onrecord("token", "whoami")["name"] == "admin"
    assert project.onrecord("dlq", "list") == []
    with pytest.raises(AssertionError, match="takes a token"):
        project.onrecord("dlq", "list", ONRECORD_TOKEN="")


def test_nothing_is_lost_whatever_is_killed_or_restarted(
    project: Project, many_interviews: Path
) -> None:
    project.onrecord("submit", str(many_interviews))
    (before,) = project.containers("enrichment")
    began = project.inspect(before)["State"]["StartedAt"]
    project.kill("enrichment")
    project.compose("restart", "kafka")
    project.kill("persistence")
    project.compose("restart", "postgres")
    for service in ("kafka", "postgres", "control"):
        project.waits_for(service)
    audit = project.onrecord("audit", "--wait", "--timeout", str(DONE_S), within_s=DONE_S + 60)
    assert audit["balances"]
    for service in SERVICES:
        project.waits_for(service)
    assert project.inspect(before)["State"]["StartedAt"] > began


def test_a_service_can_have_more_containers(project: Project, many_interviews: Path) -> None:
    project.compose("up", "--detach", "--wait", "--scale", "enrichment=3")
    assert len(project.containers("enrichment")) == 3
    project.onrecord("submit", str(many_interviews), "--wait", "--timeout", str(DONE_S))
    assert project.onrecord("audit", "--wait")["balances"]


def test_the_data_outlive_the_containers(project: Project) -> None:
    before = project.onrecord("notes")
    project.compose("down")
    project.up()
    assert project.onrecord("notes") == before
    assert project.onrecord("audit", "--wait")["balances"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_nobody_and_may_write_nowhere(project: Project, service: str) -> None:
    for container in project.containers(service):
        known = project.inspect(container)
        assert known["Config"]["User"] not in {"", "0", "root", "0:0"}
        assert known["HostConfig"]["ReadonlyRootfs"]
        assert known["HostConfig"]["CapDrop"] == ["ALL"]


def test_ports_are_published_on_the_loopback_only(project: Project) -> None:
    for service in ("kafka", "postgres", "control"):
        for container in project.containers(service):
            ports = project.inspect(container)["NetworkSettings"]["Ports"]
            published = [one for bindings in ports.values() if bindings for one in bindings]
            assert published
            assert {one["HostIp"] for one in published} == {"127.0.0.1"}


def test_the_superusers_password_is_generated_and_in_no_environment(project: Project) -> None:
    password = project.compose("exec", "-T", "postgres", "cat", "/logins/superuser/password")
    assert len(password) == 32
    for service in ("postgres", *SERVICES):
        for container in project.containers(service):
            assert password not in project.docker("inspect", container)


@pytest.mark.parametrize("other", ["postgres", "kafka"])
def test_the_simulator_reaches_neither_the_broker_nor_the_database(
    project: Project, other: str
) -> None:
    look = f"import socket; socket.getaddrinfo({other!r}, None)"
    with pytest.raises(AssertionError, match="gaierror"):
        project.compose("exec", "-T", "simulator", "python", "-c", look)


def test_services_log_in_as_themselves_and_see_no_other_password(project: Project) -> None:
    query = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name = 'onrecord'"
    words = ("psql", "-U", "onrecord", "-d", "onrecord", "-Atc", query)
    found = set(project.compose("exec", "-T", "postgres", *words).split())
    assert found >= {"onrecord_control_login", "onrecord_persistence_login"}
    assert "onrecord" not in found
    for service in SERVICES:
        (container, *_) = project.containers(service)
        mounted = {one["Destination"] for one in project.inspect(container)["Mounts"]}
        logins = {place for place in mounted if place.startswith("/logins")}
        assert logins == {f"/logins/{service}"}
        env = project.inspect(container)["Config"]["Env"]
        assert not [one for one in env if one.startswith("POSTGRES_DSN=") and "onrecord:" in one]
