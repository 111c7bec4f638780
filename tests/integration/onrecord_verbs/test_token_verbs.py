"""``onrecord token`` and ``onrecord trail``, against control's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onrecord import cli


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to stdout and to stderr."""
    capsys.readouterr()
    code = cli.run_command(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_token_is_made_used_and_revoked(
    control: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, secret, said = run(
        capsys,
        "token",
        "create",
        "night [shift]",
        "--role",
        "operator",
        "--role",
        "reader:a",
        "--days",
        "3",
    )
    assert code == 0
    assert said.startswith("night [shift], operator, reader of a, until ")
    monkeypatch.setenv("ONRECORD_TOKEN", secret.strip())
    assert run(capsys, "token", "whoami")[1] == "night [shift]: operator, reader of a\n"
    assert run(capsys, "dlq", "list")[0] == 0
    code, _, said = run(capsys, "token", "list")
    assert (code, "takes the role admin" in said) == (2, True)
    monkeypatch.undo()


def test_a_revoked_token_is_refused(
    control: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = as_json(capsys, "token", "create", "ada", "--role", "admin", "--never-expires")
    identifier = made["token"]["token_id"]
    assert made["token"]["expires_at"] is None
    assert "admin  never" in " ".join(run(capsys, "token", "list")[1].split(" "))
    assert as_json(capsys, "token", "revoke", identifier[:8])["revoked_at"]
    with monkeypatch.context() as patch:
        patch.setenv("ONRECORD_TOKEN", made["secret"])
        code, _, said = run(capsys, "dlq", "list")
    assert (code, said) == (2, "error: the token is unknown, expired or revoked\n")
    states = {one["name"]: one["revoked_at"] for one in as_json(capsys, "token", "list")}
    assert states["admin"] is None
    assert states["ada"]


def test_a_token_is_read_from_a_file(
    control: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:
    made = as_json(capsys, "token", "create", "ada", "--role", "operator")
    file = tmp_path / "token"
    file.write_text(made["secret"] + "\n")
    monkeypatch.delenv("ONRECORD_TOKEN")
    monkeypatch.setenv("ONRECORD_TOKEN_FILE", str(file))
    assert as_json(capsys, "token", "whoami")["name"] == "ada"
    monkeypatch.setenv("ONRECORD_TOKEN_FILE", str(tmp_path / "none"))
    code, _, said = run(capsys, "token", "whoami")
    assert (code, "ONRECORD_TOKEN_FILE" in said) == (2, True)
    monkeypatch.delenv("ONRECORD_TOKEN_FILE")
    code, _, said = run(capsys, "token", "whoami")
    assert (code, "ONRECORD_TOKEN" in said) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "ada", "--role", "boss"), "there is no role 'boss'"),
        (("create", "", "--role", "reader"), "name:"),
        (("create", "a\nb", "--role", "reader"), "name:"),
        (("create", "x" * 101, "--role", "reader"), "name:"),
        (("create", "ada"), "--role"),
        (("create", "ada", "--role", "reader", "--days", "0"), "--days"),
        (("revoke", "zzzz"), "no token's id begins with 'zzzz'"),
        (("revoke", ""), "give at least 4 characters"),
        (("create", "a\u202eb", "--role", "reader"), "name:"),
        (("create", "ada", "--role", "reader:no such"), "study_id"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    control: None, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    if words[0] == "revoke":
        as_json(capsys, "token", "create", "ada", "--role", "reader")
    code, _, err = run(capsys, "token", *words)
    assert (code, said in err) == (2, True), err


def test_the_trail_tells_who_did_what_and_why(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, *_) = as_json(capsys, "dlq", "list")
    assert run(capsys, "dlq", "discard", first["letter_id"], "--reason", "a [test]")[0] == 0
    as_json(capsys, "token", "create", "ada", "--role", "reader:a")
    entries = as_json(capsys, "trail")
    assert [(one["action"], one["actor"], one["reason"]) for one in entries] == [
        ("token.create", "admin", ""),
        ("letter.discard", "admin", "a [test]"),
    ]
    assert [one["action"] for one in as_json(capsys, "trail", "--action", "letter")] == [
        "letter.discard"
    ]
    assert as_json(capsys, "trail", "--limit", "1") == entries[:1]
    assert as_json(capsys, "trail", "--actor", "nobody") == []
    assert [(one["outcome"], one["status"]) for one in entries] == [("done", 201), ("done", 200)]
    again = run(capsys, "dlq", "discard", first["letter_id"], "--reason", "again")
    assert again[0] == 1, again
    printed = run(capsys, "trail")[1]
    assert "    why: a [test]\n" in printed
    assert " letter.discard: done, by admin from 127.0.0.1\n" in printed
    assert " letter.discard: refused (409), by admin from 127.0.0.1\n" in printed
    assert f"    {first['letter_id']}\n" in printed


@pytest.mark.parametrize("secret", ["é" * 40, "a b", "a\nb"])
def test_what_no_header_can_carry_is_refused(
    control: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("ONRECORD_TOKEN", secret)
    code, _, said = run(capsys, "token", "whoami")
    assert (code, "ONRECORD_TOKEN is no token" in said) == (2, True)
