import json
from dataclasses import replace

import pytest

from audit.facts import (
    AuditFacts,
    ChunkFact,
    DatedDeadLetter,
    SubmissionFact,
    SubmissionState,
    UnfinishedRecord,
)
from audit.reconciliation import reconcile_submissions
from audit.results import AuditResult
from onrecord import cli
from onrecord.commands import audit
from onrecord.settings import ClientSettings

PLACE = ("transcripts-submitted", 0, 0)
CHUNKS = tuple(ChunkFact(f"chunk-{number}", "talk", 1, stored=number == 0) for number in range(4))
ON_ITS_WAY = AuditFacts(
    submissions=(SubmissionFact(PLACE, "talk", 1),),
    chunks=CHUNKS,
    ingested={("talk", 1): "sha"},
    unread=(
        UnfinishedRecord("enrichment", ("chunks-ready", 0, 1), "chunk-1", retrying=False),
        UnfinishedRecord("enrichment", ("chunks-ready", 0, 2), "chunk-2", retrying=True),
        UnfinishedRecord("guardrail", ("notes-drafted", 0, 3), "chunk-3", retrying=False),
    ),
    received={"enrichment": {("chunks-ready", 0): 4}},
)


@pytest.fixture(autouse=True)
def books_of_a_moving_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def audit_system(_settings: ClientSettings, _within_s: float) -> AuditResult:
        return reconcile_submissions(ON_ITS_WAY)

    monkeypatch.setattr(audit, "audit_system", audit_system)


def test_a_wait_that_ran_out_says_what_is_still_on_its_way_and_ends_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["audit", "--wait", "--timeout", "2"]) == 1
    printed = capsys.readouterr()
    assert "the books balance" in printed.out
    assert printed.err == (
        "still on its way after 2 s: 1 interview in retry, 2 chunks waiting, 1 chunk in retry\n"
    )


def test_without_a_wait_books_that_balance_are_all_that_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run_command(["audit"]) == 0
    assert capsys.readouterr().err == ""


def test_programs_are_told_whether_all_is_settled(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command(["audit", "--wait", "--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert (output["balances"], output["settled"]) == (True, False)


def test_a_message_on_its_way_is_waited_for_though_all_interviews_are_stored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tuple(replace(one, stored=True) for one in CHUNKS)
    again = UnfinishedRecord("persistence", ("notes-validated", 0, 9), "talk", retrying=True)
    books = replace(
        ON_ITS_WAY,
        chunks=stored,
        unread=(again,),
        received={"persistence": {("notes-validated", 0): 10}},
    )

    async def audit_system(_settings: ClientSettings, _within_s: float) -> AuditResult:
        return reconcile_submissions(books)

    monkeypatch.setattr(audit, "audit_system", audit_system)
    assert cli.run_command(["audit", "--wait", "--timeout", "2"]) == 1
    output = capsys.readouterr().err
    assert output == "still on its way after 2 s: 1 message in retry at persistence\n"


def test_a_draft_that_waits_for_its_interview_is_waited_for() -> None:
    kept = UnfinishedRecord("persistence", ("notes-validated", 0, 2), "chunk-1", retrying=False)
    chunks = tuple(replace(one, stored=one.chunk_id != "chunk-1") for one in CHUNKS)
    balance = reconcile_submissions(
        replace(
            ON_ITS_WAY,
            chunks=chunks,
            unread=(kept,),
            received={"persistence": {("notes-validated", 0): 5}},
        )
    )
    assert balance.balances
    assert balance.chunks.states[SubmissionState.WAITING] == 1
    assert (balance.services[0].waiting, balance.services[0].handled) == (1, 4)
    assert not balance.is_settled


def test_a_draft_whose_interview_is_a_dead_letter_waits_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = UnfinishedRecord(
        "persistence", ("notes-validated", 0, 2), "chunk-9", retrying=False, held=True
    )
    stored = tuple(replace(one, stored=True) for one in CHUNKS)
    books = replace(
        ON_ITS_WAY,
        chunks=stored,
        unread=(held,),
        received={"persistence": {("notes-validated", 0): 5}},
    )

    async def audit_system(_settings: ClientSettings, _within_s: float) -> AuditResult:
        return reconcile_submissions(books)

    monkeypatch.setattr(audit, "audit_system", audit_system)
    assert cli.run_command(["audit", "--wait", "--timeout", "2"]) == 0
    output = capsys.readouterr().out
    assert "1 message kept until an interview that is now a dead letter is replayed" in output


def test_books_with_topics_that_could_not_be_read_prove_nothing_and_name_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tuple(replace(one, stored=True) for one in CHUNKS)
    missing = ("acme-guardrail-dlq", "acme-notes-drafted")
    books = replace(ON_ITS_WAY, chunks=stored, unread=(), missing_topics=missing)

    async def audit_system(_settings: ClientSettings, _within_s: float) -> AuditResult:
        return reconcile_submissions(books)

    monkeypatch.setattr(audit, "audit_system", audit_system)
    assert cli.run_command(["audit"]) == 1
    printed = capsys.readouterr()
    assert "nothing is lost" not in printed.out + printed.err
    assert "acme-guardrail-dlq, acme-notes-drafted" in printed.err
    assert "`python -m messaging topics create`" in printed.err
    assert cli.run_command(["audit", "--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert (output["balances"], output["missing_topics"]) == (False, [*missing])


def test_records_that_are_no_interview_are_not_counted_as_interviews(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    garbage = [SubmissionFact((PLACE[0], 0, offset), "", None) for offset in range(1, 121)]
    letters = [DatedDeadLetter("ingestion", one.place, "", discarded=False) for one in garbage]
    books = replace(
        ON_ITS_WAY,
        submissions=(*ON_ITS_WAY.submissions, *garbage),
        letters=tuple(letters),
        received={"ingestion": {PLACE[:2]: 121}},
    )

    async def audit_system(_settings: ClientSettings, _within_s: float) -> AuditResult:
        return reconcile_submissions(books)

    monkeypatch.setattr(audit, "audit_system", audit_system)
    assert cli.run_command(["audit"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0][:2] == ["submitted", "stored"]
    assert next(row for row in rows if row[:1] == ["interviews"])[1] == "1"
    assert next(row for row in rows if row[:2] == ["no", "interview"])[2:7] == [
        *("120", "0", "0", "0", "120")
    ]
    # 121 records, of which 120 are letters.
    assert next(row for row in rows if row[:1] == ["ingestion"])[1:] == [
        *("121", "1", "0", "0", "120", "0")
    ]
    assert cli.run_command(["audit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["submissions"]["submitted"], found["unreadable"]["submitted"]) == (1, 120)
