"""``onrecord context``, ``--context`` and ``--reason``: which system is asked, and why."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onrecord import cli
from onrecord.contexts import GIVEN_OPTIONS, GlobalOptions
from onrecord.control_transport import ControlTransport
from onrecord.settings import ClientSettings

SECRET = "a-secret-of-production"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where contexts are kept; nothing else says which system is meant."""
    for name in list(os.environ):
        if name.startswith("ONRECORD_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("ONRECORD_HOME", str(tmp_path / "no stack"))
    return tmp_path / "config" / "onrecord"


def run(*arguments: str, code: int = 0) -> None:
    assert cli.run_command(arguments) == code


@pytest.fixture
def production(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    run("context", "add", "production", "https://onrecord.example", "--use")
    return folder / "contexts.json"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """The address, the token and the reason of each request that commands make."""
    requests: list[tuple[str, str, str]] = []

    async def answer(client: ControlTransport, *_: Any, **__: Any) -> httpx2.Response:
        headers = client._headers
        requests.append(
            (client._url, headers.get("Authorization", ""), headers.get("Onrecord-Reason", ""))
        )
        return httpx2.Response(200, json=[])

    monkeypatch.setattr(ControlTransport, "_ask", answer)
    return requests


def test_a_context_is_kept_for_its_user_alone(
    production: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE(production.stat().st_mode) == 0o600
    assert stat.S_IMODE(production.parent.stat().st_mode) == 0o700
    assert [one.name for one in production.parent.iterdir()] == ["contexts.json"]
    settings = ClientSettings.load()
    assert (settings.control_url, settings.token) == ("https://onrecord.example", SECRET)
    for verb in ("list", "show"):
        run("context", verb)
        run("context", verb, "--json")
    printed = capsys.readouterr()
    assert "production" in printed.out
    assert SECRET not in printed.out + printed.err


@pytest.mark.usefixtures("production")
def test_contexts_are_listed_chosen_and_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.write_text("of-staging\n")
    run("context", "add", "staging", "https://staging.example", "--token-file", str(file))
    assert ClientSettings.load().control_url == "https://onrecord.example"
    run("context", "use", "staging")
    assert ClientSettings.load().token == "of-staging"
    file.write_text("renewed\n")
    assert ClientSettings.load().token == "renewed"
    capsys.readouterr()
    run("context", "list", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["token"], one["current"]) for one in listed] == [
        ("local", "", False),
        ("production", "kept", False),
        ("staging", str(file), True),
    ]
    run("context", "remove", "staging")
    assert ClientSettings.load().control_url == "http://127.0.0.1:8080"
    run("context", "use", "staging", code=2)
    assert "there is no context 'staging'; known: local, production" in capsys.readouterr().err


@pytest.mark.usefixtures("production")
def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_TOKEN", "another")
    assert ClientSettings.load().token == "another"
    assert ClientSettings.load().control_url == "https://onrecord.example"
    monkeypatch.delenv("ONRECORD_TOKEN")
    monkeypatch.setenv("ONRECORD_URL", "https://elsewhere.example")
    settings = ClientSettings.load()
    # A token of one system is not sent to another.
    assert (settings.control_url, settings.token) == ("https://elsewhere.example", "")


@pytest.mark.usefixtures("production")
def test_two_systems_named_at_once_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[Any]
) -> None:
    monkeypatch.setenv("ONRECORD_URL", "https://elsewhere.example")
    run("token", "list", "--context", "production", code=2)
    assert "--context production names a system too" in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--context", "production", "--reason", "an incident", "token", "list"),
        ("token", "list", "--context", "production", "--reason", "an incident"),
        ("--context", "production", "token", "list", "--reason", "an incident"),
    ],
)
@pytest.mark.usefixtures("production")
def test_options_stand_before_or_behind_the_verb(
    arguments: tuple[str, ...], asked: list[tuple[str, str, str]]
) -> None:
    run("context", "use", "local")
    cli.run_command([*arguments])
    expected = ("https://onrecord.example", f"Bearer {SECRET}", "an incident")
    assert asked == [expected]
    assert GIVEN_OPTIONS.get() == GlobalOptions()
    assert ClientSettings.load().control_url == "http://127.0.0.1:8080"


@pytest.mark.usefixtures("production")
def test_options_of_a_group_count_for_its_commands(asked: list[tuple[str, str, str]]) -> None:
    run("context", "use", "local")
    cli.run_command(["budgets", "--context", "production", "--reason", "more", "set", "a", "5"])
    assert {(url, reason) for url, _, reason in asked} == {("https://onrecord.example", "more")}


@pytest.mark.parametrize(
    "verb",
    [
        ("notes", "--study", "a", "--exact"),
        ("explain", "3f2a91c0"),
        ("search", "words", "--exact"),
        ("study", "list"),
        ("costs",),
        ("budgets", "set", "a", "5"),
        ("cache", "clear", "--yes"),
        ("session", "list"),
        ("dlq", "list"),
        ("audit",),
        ("coverage",),
        ("trail",),
    ],
)
@pytest.mark.usefixtures("production")
def test_every_verb_that_asks_control_passes_the_reason_on(
    verb: tuple[str, ...], asked: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the verb makes of an answer of nothing is not looked at."""

    def ask() -> set[str]:
        asked.clear()
        cli.run_command([*verb, "--reason", "theirs"] if given else verb)
        return {reason for _, _, reason in asked}

    given = True
    assert ask() == {"theirs"}
    given = False
    monkeypatch.setenv("ONRECORD_REASON", "of the shell")
    assert ask() == {"of the shell"}


def test_files_that_others_may_read_are_not_used(
    production: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    production.chmod(0o640)
    run("token", "list", code=2)
    assert f"chmod 600 {production}" in capsys.readouterr().err
    production.chmod(0o600)
    production.write_text('{"contexts": {"a": {"token": "' + SECRET)
    run("context", "list", code=2)
    said = capsys.readouterr().err
    assert "is damaged" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("add", "local", "https://a.example"), "take another name"),
        (("add", "../x", "https://a.example"), "is no name of a context"),
        (("add", "a", "onrecord.example"), "URL is no address"),
        (("add", "a", "https://a.example"), "no token was given"),
        (("remove", "a"), "there is no context 'a'"),
        (("use", "a"), "there is no context 'a'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_no_context_is_refused(
    arguments: tuple[str, ...],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    run("context", *arguments, code=2)
    assert complaint in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_commands_that_ask_nobody_take_neither_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("parse", "x.txt", "--context", "a", code=2)
    assert "--context" in capsys.readouterr().err
