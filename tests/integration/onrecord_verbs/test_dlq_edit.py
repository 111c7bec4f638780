"""``onrecord dlq edit``: by options, from a file, and in an editor."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from contracts import ids
from control.letters.indexing import build_indexed_dead_letter
from control.letters.store import DeadLetterStore
from database.pool import open_database
from database.settings import PostgresSettings
from messaging import KafkaSettings, Publisher, Record
from messaging.codec import encode_event
from onrecord import cli
from support.chunks import CHUNK
from support.control_office import letter_bytes
from support.served_control import DLQ, VALUES, name_of

WHY = ["--reason", "a wrong title"]


async def set_chunk_aside(kafka: KafkaSettings, postgres: PostgresSettings) -> str:
    """Put a chunk behind the letters that control has; return the beginning of its letter's id."""
    key, value, headers = encode_event(CHUNK, source="/test")
    added = letter_bytes(1, value=value, key=key, original=tuple(headers))
    async with open_database(postgres) as database, Publisher(kafka, source="/test") as publisher:
        await publisher.forward(DLQ.name, key, value, added)
        record = Record(DLQ.name, 0, len(VALUES), key, value, added, 1_000)
        found = build_indexed_dead_letter(record)
        await DeadLetterStore(database).index_letter(found)
    return str(found.letter_id)[:12]


@pytest.fixture
def letter(
    control: None,
    broker: str,
    postgres_settings: PostgresSettings,
    request: pytest.FixtureRequest,
) -> str:
    prefix = f"{ids.derive_id('test', request.node.name).hex[:8]}-"
    kafka = KafkaSettings(bootstrap_servers=broker, topic_prefix=prefix)
    return asyncio.run(set_chunk_aside(kafka, postgres_settings))


def edit(*arguments: str) -> int:
    return cli.run_command(["dlq", "edit", *arguments])


def test_fields_are_set_and_shown_and_undone(
    letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edit(letter, "--set", "/title=Cars", *WHY) == 0
    shown = capsys.readouterr().out
    assert "sends edit 1" in shown
    assert '- "Interview 1"' in shown
    assert '+ "Cars"' in shown
    assert cli.run_command(["dlq", "show", letter]) == 0
    assert "edit 1" in capsys.readouterr().out
    assert edit(letter, "--undo", *WHY) == 0
    assert "sends its message as it is" in capsys.readouterr().out
    assert edit(letter, "--show", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["current"], len(found["edits"])) == (None, 1)


def test_a_check_keeps_nothing(letter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert edit(letter, "--set", "/title=Cars", "--dry-run") == 0
    captured = capsys.readouterr()
    assert "nothing was kept" in captured.err
    assert "sends its message as it is" in captured.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--set", "title=Cars"], "write /field=value"),
        (["--set", "/nothing/0=Cars"], "the message has no /nothing/0"),
        (["--set", "/segments/0/text=We pay nothing."], "is locked"),
        (["--set", "/title=Interview 1"], "nothing is edited"),
        (["--file", "missing.json"], "No such file"),
        (["--set", "/title=Cars", "--undo"], "one of --file"),
        ([], "no terminal for an editor"),
    ],
)
def test_what_cannot_be_done_says_so(
    letter: str, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert edit(letter, *arguments, *WHY) != 0
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert "Traceback" not in captured.err


def test_why_is_asked_for(letter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert edit(letter, "--set", "/title=Cars") == 2
    assert "--reason" in capsys.readouterr().err


def test_a_message_that_is_no_event_says_why_it_is_not_edited(
    control: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edit(name_of(0), "--set", "/title=Cars", *WHY) == 1
    assert "services alone write those" in capsys.readouterr().err


def test_a_file_may_be_from_an_editor_with_its_comments(
    letter: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "event.json"
    document = CHUNK.model_dump(mode="json") | {"title": "Cars"}
    path.write_text("# a comment\n" + json.dumps(document, indent=1), "utf-8")
    assert edit(letter, "--file", str(path), *WHY) == 0
    assert "sends edit 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "code", "complaint"),
    [
        ("sed -i s/Interview/Cars/", 0, ""),
        ("true", 1, "nothing was changed"),
        ("false", 1, "failed with 1"),
        ("sed -i s/reason/{/;s/^{/{{/", 2, "letter-"),
        ('sed -i s/"revision"/"revisions"/', 2, "mend it, and use --file"),
    ],
)
def test_an_editor_is_run_and_what_was_written_is_not_lost(  # noqa: PLR0917 - fixtures
    letter: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    code: int,
    complaint: str,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setenv("VISUAL", script)
    assert edit(letter, *WHY) == code
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert ("sends edit 1" in captured.out) == (code == 0)
