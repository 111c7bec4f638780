from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from contracts.topics import CONTROL, ENRICHMENT, GUARDRAIL, PIPELINE
from database.logins import LOGINS
from database.pool import open_database
from local_stack.supervisor import LocalStack
from support.stack import as_superuser
from support.waiting import until


def test_everything_gets_ready(stack: LocalStack) -> None:
    not_ready = {one.name: one.reason for one in stack.status() if not one.ready}
    assert not_ready == {}


def test_without_a_key_the_simulator_is_the_model(stack: LocalStack) -> None:
    model = stack.model()
    assert model is not None
    assert model.simulated
    assert stack.client_env()["OPENAI_BASE_URL"] == model.base_url


@pytest.mark.parametrize("service", [*PIPELINE, CONTROL])
def test_a_killed_service_gets_ready_again(stack: LocalStack, service: str) -> None:
    before = stack.pid(service)
    stack.kill(service)
    stack.restart(service)
    assert stack.pid(service) != before
    assert all(one.ready for one in stack.status())


async def test_each_service_has_a_login_of_its_own_without_the_owners_rights(
    stack: LocalStack,
) -> None:
    async with open_database(as_superuser(stack)) as database:
        found = await database.fetch(
            "SELECT DISTINCT usename, rolsuper, pg_has_role(usename, datdba, 'MEMBER') AS owns"
            "  FROM pg_stat_activity AS session JOIN pg_roles ON rolname = usename"
            "  JOIN pg_database USING (datname) WHERE pid <> pg_backend_pid()"
        )
    logins = {one["usename"] for one in found}
    assert not [one for one in found if one["rolsuper"] or one["owns"]]
    assert logins >= {"onrecord_control_login", "onrecord_persistence_login"}


@pytest.mark.parametrize("service", [*PIPELINE, CONTROL])
def test_a_service_knows_no_other_login_than_its_own(stack: LocalStack, service: str) -> None:
    env = psutil.Process(stack.pid(service)).environ()
    passwords = {name: stack.home.password(name) for name in LOGINS} | {"": stack.home.secret()}
    known = {name for name, password in passwords.items() if password in str(env)}
    assert known == ({service} if service in LOGINS else set())


async def test_services_with_a_database_record_their_starts_with_their_own_logins(
    stack: LocalStack,
) -> None:
    recording = {*PIPELINE, CONTROL} - {GUARDRAIL}  # without a judge it has no database

    async def read() -> dict[str, list[str]]:
        rows = await database.fetch("SELECT service, digest FROM service_starts")
        return {
            name: [one["digest"] for one in rows if one["service"] == name] for name in recording
        }

    async with open_database(as_superuser(stack)) as database:

        async def are_recorded() -> bool:
            return all((await read()).values())

        await until(are_recorded)
        before = await read()
        stack.restart(ENRICHMENT)

        async def is_recorded() -> bool:
            return len((await read())[ENRICHMENT]) > len(before[ENRICHMENT])

        await until(is_recorded)
        assert len(set((await read())[ENRICHMENT])) == 1  # a restart is the same build
        known = await database.fetch("SELECT DISTINCT service FROM service_starts")
        assert {one["service"] for one in known} == recording


def test_passwords_are_files_of_their_owner_alone(stack: LocalStack) -> None:
    files = [stack.home.secret_file, *stack.home.logins.iterdir()]
    assert len(files) == 1 + len(LOGINS)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def as_stranger(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command as a user who is neither root nor the one the database runs as."""
    stranger = ("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--")
    return subprocess.run(
        [*stranger, *words], input=stdin, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_reads_and_writes_nothing_of_the_stack(
    stack: LocalStack,
) -> None:
    home = stack.home.path
    written = [one for one in home.rglob("*") if one.is_file()]
    parts = {part for one in written for part in one.relative_to(home).parts}
    # Where they are containers, their files are not here.
    embedded = {one.name for one in stack.status()} & {"broker", "postgres"}
    assert {"logs", "control", *embedded} <= parts
    for question in ("-readable", "-writable"):
        found = as_stranger("find", str(home), "(", "-type", "f", "-o", "-type", "d", ")", question)
        assert found.stdout == "", found.stdout
    # Nor by its name, where a folder can be passed but not listed.
    named = "".join(f"{one}\n" for one in written if one.parent.stat().st_mode & 0o001)
    look = 'while read -r file; do test -r "$file" && echo "$file"; done; true'
    assert as_stranger("sh", "-c", look, stdin=named).stdout == ""


def test_what_status_prints_has_no_password(stack: LocalStack) -> None:
    command = [str(Path(sys.executable).with_name("onrecord")), "status", "--json"]
    done = subprocess.run(
        command,
        env=os.environ | {"ONRECORD_HOME": str(stack.home.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    secrets = [stack.home.secret(), *(stack.home.password(name) for name in LOGINS)]
    token = stack.home.data / "control" / "admin-token"
    secrets.append(token.read_text(encoding="utf-8").strip())
    # The services alone log in to the database.
    assert not [name for name in json.loads(done.stdout)["client_env"] if "POSTGRES" in name]
    assert [one for one in secrets if one in done.stdout + done.stderr] == []


def test_the_pipeline_says_of_every_service_whether_it_is_ready(stack: LocalStack) -> None:
    found = subprocess.run(
        [
            str(Path(sys.executable).with_name("onrecord")),
            *("pipeline", "--for", "1", "--json"),
        ],
        env=os.environ | stack.client_env(),
        capture_output=True,
        text=True,
        check=True,
    )
    services = json.loads(found.stdout)["services"]
    assert {one["service"]: one["ready"] for one in services} == dict.fromkeys(
        (*PIPELINE, CONTROL), True
    )
