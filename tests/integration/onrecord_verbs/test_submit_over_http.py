"""``onrecord submit`` to control's API: which way it goes, what it prints, and waiting there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.events import TranscriptSubmitted
from contracts.ids import derive_transcript_id
from control.interviews.outcomes import SubmissionFacts, decide_outcome
from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from onrecord.settings import ClientSettings
from persistence.store import NotesStore
from support.interviews import ingested

STUDY = "study_id: billing\nname: Billing\nthemes: [{id: price, name: Price}]\n"


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY)
    for name in ("ann", "bo"):
        (tmp_path / f"{name}.txt").write_text(f"Interviewer: How, {name}?\n{name}: So.\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.run_command([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_interviews_are_submitted_without_a_broker_or_a_database(
    control: None, talks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "submit", talks, "--json")
    assert code == 0, err
    ids = [derive_transcript_id("billing", f"{name}.txt") for name in ("ann", "bo")]
    assert [one["transcript_id"] for one in json.loads(out)] == list(map(str, ids))
    entries = json.loads(run(capsys, "trail", "--action", "transcript", "--json")[1])
    assert sorted(one["target"] for one in entries) == sorted(f"{one} revision 1" for one in ids)
    assert run(capsys, "submit", talks)[1].endswith("2 interviews submitted\n")


def test_a_registered_study_is_named_by_its_id(
    control: None, talks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "study", "create", talks / "study.yaml")[0] == 0
    code, out, err = run(capsys, "submit", talks / "ann.txt", "--study", "billing", "--json")
    assert code == 0, err
    (one,) = json.loads(out)
    assert one["study_id"] == "billing"
    assert one["transcript_id"] == str(derive_transcript_id("billing", "ann.txt"))


def test_an_id_that_is_not_registered_is_an_error_before_anything_is_sent(
    control: None, talks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "submit", talks / "ann.txt", "--study", "biling")
    assert code == 2
    assert "no study of this id is registered, and there is no file of this name" in err
    assert json.loads(run(capsys, "trail", "--action", "transcript", "--json")[1]) == []


@pytest.mark.parametrize("given", ["billing.yaml", "billing.YML", "studies/billing", "no id!"])
def test_what_can_be_no_id_is_a_file_that_is_not_there(
    control: None, talks: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    code, _, err = run(capsys, "submit", talks / "ann.txt", "--study", given)
    assert (code, err.strip()) == (2, f"error: {given}: there is no such file")


def test_a_wait_ends_with_outcomes_that_come_after_the_submission(
    control: None,
    postgres_settings: PostgresSettings,
    talks: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = [0]

    async def settle(event: TranscriptSubmitted) -> None:
        """As control does, which is not consuming here."""
        numbers[0] += 1
        facts = SubmissionFacts(
            transcript_id=event.transcript_id,
            revision=1,
            content_sha256=event.content_sha256,
            submissions=numbers[0],
            last_submitted_at=datetime.now(UTC),
            ingested=True,
            newest_revision=1,
            is_going_on=False,
            chunks=2,
            stored=2,
            notes=3,
            rejected_notes=0,
            letters=(),
        )
        decision = decide_outcome(facts, numbers[0])
        assert decision is not None
        async with open_database(postgres_settings) as database:
            await database.execute(
                "INSERT INTO settlements (transcript_id, revision, content_sha256, number, "
                "facts_sha256, event) VALUES ($1, 1, $2, $3, $4, $5) ON CONFLICT "
                "(transcript_id, revision, content_sha256) DO UPDATE SET event = EXCLUDED.event",
                *(event.transcript_id, event.content_sha256, numbers[0], decision.facts_sha256),
                decision.event.model_dump_json(),
            )

    from onrecord.control_client import ControlClient  # noqa: PLC0415 - patched here

    submit = ControlClient.submit

    async def submit_and_settle(self: ControlClient, request: Any, key: str) -> Any:
        answer = await submit(self, request, key)
        await settle(request.to_event())
        return answer

    (talks / "bo.txt").unlink()
    monkeypatch.setattr(ControlClient, "submit", submit_and_settle)
    for _ in range(2):
        code, out, err = run(capsys, "submit", talks, "--wait", "--json", "--timeout", 20)
        assert code == 0, err
        (found,) = json.loads(out)
        assert (found["outcome"], found["notes"]) == ("complete", 3)
    monkeypatch.setattr(ControlClient, "submit", submit)
    code, _, err = run(capsys, "submit", talks, "--wait", "--timeout", 0.5)
    assert (code, "the work goes on" in err) == (1, True)


def test_a_stored_revision_with_other_content_keeps_the_batch_back(
    control: None,
    postgres_settings: PostgresSettings,
    talks: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            await NotesStore(database).store_transcript(ingested())

    asyncio.run(store())
    (talks / "interview-1").write_text("Ada: What do you pay?\nBo: Nothing.\n")
    files = (talks / "ann.txt", talks / "interview-1")
    code, _, err = run(capsys, "submit", *files, "--study", talks / "study.yaml")
    assert (code, "--revision 2" in err) == (2, True)
    assert json.loads(run(capsys, "trail", "--json")[1]) == []
    again = run(capsys, "submit", *files, "--study", talks / "study.yaml", "--revision", "2")
    assert again[0] == 0


def test_a_role_that_may_not_submit_is_told_so(
    control: None,
    talks: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = json.loads(run(capsys, "token", "create", "ada", "--role", "reader", "--json")[1])
    monkeypatch.setenv("ONRECORD_TOKEN", made["secret"])
    code, _, err = run(capsys, "submit", talks)
    assert (code, "researcher" in err) == (2, True)


def test_without_control_it_says_so(
    talks: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONRECORD_CONTROL_URL", "http://127.0.0.1:1")
    code, _, err = run(capsys, "submit", talks)
    assert (code, "does not answer at http://127.0.0.1:1" in err) == (3, True)


def test_it_goes_to_kafka_where_that_alone_is_named(tmp_path: Path) -> None:
    named = {"KAFKA_BOOTSTRAP_SERVERS": "a:1"}
    assert ClientSettings.load(named, tmp_path).names_kafka_alone
    both = {**named, "ONRECORD_CONTROL_URL": "http://b:1"}
    assert not ClientSettings.load(both, tmp_path).names_kafka_alone
    assert not ClientSettings.load({}, tmp_path).names_kafka_alone
