from __future__ import annotations

import psutil
import pytest

from contracts.topics import CONTROL, PIPELINE
from database.logins import LOGINS
from database.pool import open_database
from local_stack.supervisor import LocalStack
from support.stack import as_superuser


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


def test_passwords_are_files_of_their_owner_alone(stack: LocalStack) -> None:
    files = [stack.home.secret_file, *stack.home.logins.iterdir()]
    assert len(files) == 1 + len(LOGINS)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
