from __future__ import annotations

from pathlib import Path

import pytest

from local_stack.state import StackFolder, StackState
from onrecord.errors import UnreachableError, UsageError
from onrecord.settings import COMPOSE, ClientSettings, find_stack_folder


def a_started_stack(folder: Path) -> Path:
    home = StackFolder(folder / ".onrecord")
    home.create()
    servers = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:20001"}
    home.save(StackState(wanted=["broker"], client_env=servers))
    return home.path


def test_the_local_stack_is_the_default(tmp_path: Path) -> None:
    settings = ClientSettings.load({}, a_started_stack(tmp_path))
    assert settings.kafka_bootstrap_servers == "127.0.0.1:20001"


def test_the_environment_wins(tmp_path: Path) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092"}
    settings = ClientSettings.load(environ, a_started_stack(tmp_path))
    assert settings.kafka_bootstrap_servers == "kafka:9092"


def test_what_nobody_told_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="`onrecord up`, or set ONRECORD_URL"):
        _ = ClientSettings.load({}, a_started_stack(tmp_path)).control_url


def test_the_error_names_the_folder_looked_in_and_how_to_name_another(tmp_path: Path) -> None:
    environ = {"ONRECORD_CONTROL_URL": "http://127.0.0.1:1"}
    with pytest.raises(UnreachableError, match="ONRECORD_HOME") as raised:
        _ = ClientSettings.load(environ, tmp_path / "elsewhere").kafka_bootstrap_servers
    assert f"looked in {tmp_path.resolve()}/elsewhere:" in str(raised.value)


def test_without_a_local_stack_the_one_of_docker_compose_is_meant(tmp_path: Path) -> None:
    settings = ClientSettings.load({}, tmp_path / "elsewhere")
    assert settings.kafka_bootstrap_servers == "127.0.0.1:9092"
    assert settings.control_url == "http://127.0.0.1:8080"


def test_a_stopped_local_stack_is_not_looked_for(tmp_path: Path) -> None:
    home = StackFolder(a_started_stack(tmp_path))
    home.save(home.load().model_copy(update={"wanted": []}))
    assert ClientSettings.load({}, home.path).env == COMPOSE


def test_the_stack_is_found_from_a_folder_below_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_stack_folder({}, below) == tmp_path.resolve() / ".onrecord"


def test_a_setting_names_another_folder(tmp_path: Path) -> None:
    assert find_stack_folder({"ONRECORD_HOME": str(tmp_path / "x")}) == tmp_path.resolve() / "x"


def test_the_local_stacks_token_is_not_sent_to_an_address_of_the_environment(
    tmp_path: Path,
) -> None:
    home = StackFolder(a_started_stack(tmp_path))
    (tmp_path / "token").write_text("a-secret-of-the-local-stack")
    client_env = {
        "ONRECORD_TOKEN_FILE": str(tmp_path / "token"),
        "ONRECORD_CONTROL_URL": "http://a",
    }
    home.save(home.load().model_copy(update={"client_env": client_env}))
    assert ClientSettings.load({}, home.path).token == "a-secret-of-the-local-stack"
    elsewhere = {"ONRECORD_CONTROL_URL": "http://elsewhere.example"}
    assert ClientSettings.load(elsewhere, home.path).token == ""
    own = elsewhere | {"ONRECORD_TOKEN": "mine"}
    assert ClientSettings.load(own, home.path).token == "mine"


@pytest.mark.parametrize(
    "environ",
    [
        {"POSTGRES_DSN": "postgresql://ann@db.example/onrecord"},
        {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092"},
    ],
)
def test_a_database_or_a_broker_alone_is_told_what_to_set_in_its_place(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    for home in (a_started_stack(tmp_path), tmp_path / "elsewhere"):
        settings = ClientSettings.load(environ, home)
        with pytest.raises(UsageError, match="set ONRECORD_URL to the address of control"):
            _ = settings.control_url


def test_the_short_name_of_controls_address_wins(tmp_path: Path) -> None:
    environ = {"ONRECORD_URL": "https://a.example/", "ONRECORD_CONTROL_URL": "https://b.example"}
    settings = ClientSettings.load(environ, a_started_stack(tmp_path))
    assert settings.control_url == "https://a.example"
