"""``onrecord transcript``, against control's API over a real database."""

from __future__ import annotations

import asyncio
import json

import pytest

from contracts.ids import derive_id
from database.pool import open_database
from database.settings import PostgresSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import REPORT, TRANSCRIPT, TURNS, ingested, note, validated


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to stdout and to stderr."""
    capsys.readouterr()
    code = cli.run_command(("transcript", *words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def two_revisions(postgres_settings: PostgresSettings) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            notes = NotesStore(database)
            for revision in (1, 2):
                await notes.store_transcript(ingested(revision))
                await notes.store_notes(validated(note(f"It is {revision}"), revision=revision))

    asyncio.run(store())


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_a_revision_is_withdrawn_and_restored(capsys: pytest.CaptureFixture[str]) -> None:
    withdraw = ("withdraw", str(TRANSCRIPT), "--reason", "the wrong file")
    assert run(capsys, *withdraw) == (
        *(0, ""),
        f"withdrawn: revision 2 of {TRANSCRIPT}; current: revision 1\n",
    )
    assert run(capsys, *withdraw)[2].endswith("revision 1 of " + f"{TRANSCRIPT}; current: none\n")
    code, out, err = run(
        capsys, "restore", str(TRANSCRIPT), "--revision", "2", "--reason", "it was right", "--json"
    )
    assert (code, json.loads(out)["transcript"]["withdrawn"]) == (0, [1]), err
    code, _, err = run(capsys, "restore", str(TRANSCRIPT), "--revision", "2", "--reason", "again")
    assert (code, "its highest is 2, and withdrawn: 1" in err) == (2, True), err


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_interviews_are_listed_with_their_ids_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list", "--study", "billing")
    assert (code, err) == (0, "")
    listed = out.splitlines()
    assert listed[1] == f"  id {TRANSCRIPT}"
    assert listed[2].startswith("  revision 2, ")
    (one,) = json.loads(run(capsys, "list", "--json")[1])
    assert (one["transcript_id"], one["revision"], one["notes"]) == (str(TRANSCRIPT), 2, 1)
    assert run(capsys, "show", str(TRANSCRIPT))[1].splitlines()[:3] == listed
    found = json.loads(run(capsys, "show", str(TRANSCRIPT), "--json")[1])
    assert (found["transcript"], found["outcomes"]) == (one, [])


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_an_interview_is_shown_with_how_it_was_read(
    capsys: pytest.CaptureFixture[str], postgres_settings: PostgresSettings
) -> None:
    code, out, err = run(capsys, "show", str(TRANSCRIPT))
    assert (code, err) == (0, "")
    assert "read as webvtt (90% sure), 100% of the words named" in out
    assert "participant 2 (participant), 12 words, 75%" in out
    assert "Bo" not in out
    assert "Zoe" not in out
    code, out, err = run(capsys, "show", str(TRANSCRIPT), "--exact")
    assert (code, err, "Bo (participant), 12 words" in out, "Zoe Quill" in out) == (
        *(0, ""),
        *(True, True),
    )
    report = json.loads(run(capsys, "show", str(TRANSCRIPT), "--json", "--exact")[1])[
        "reading_report"
    ]
    assert (report["revision"], report["is_masked"]) == (2, False)
    assert report["notices"] == list(REPORT.notices)

    async def store() -> None:
        async with open_database(postgres_settings) as database:
            await NotesStore(database).store_transcript(ingested(3, reading_report=None))

    asyncio.run(store())
    code, out, err = run(capsys, "show", str(TRANSCRIPT))
    assert (code, err, "read as" in out) == (0, "", False)
    assert json.loads(run(capsys, "show", str(TRANSCRIPT), "--json")[1])["reading_report"] is None


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_an_interview_is_read_around_a_time_masked_unless_exact_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "read", str(TRANSCRIPT), "--json")
    whole = json.loads(out)
    assert (code, err, [one["number"] for one in whole]) == (0, "", [one.number for one in TURNS])
    assert all(one["is_masked"] for one in whole)
    code, out, _ = run(capsys, "read", str(TRANSCRIPT), "--json", "--exact")
    assert [one["text"] for one in json.loads(out)] == [one.text for one in TURNS]
    last = max(one.start_ms or 0 for one in TURNS) // 1_000
    at = f"{last // 60}:{last % 60:02}"
    code, out, err = run(capsys, "read", str(TRANSCRIPT), "--at", at, "--turns", "0", "--json")
    assert (code, err, len(json.loads(out))) == (0, "", 1)
    assert run(capsys, "read", str(TRANSCRIPT), "--turns", "1")[0] == 2
    assert run(capsys, "read", str(TRANSCRIPT), "--at", "noon")[0] == 2
    around = run(capsys, "read", str(TRANSCRIPT), "--at", at, "--json")[1]
    assert [one["number"] for one in json.loads(around)] == [one.number for one in TURNS]


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_a_list_that_is_cut_says_so(
    capsys: pytest.CaptureFixture[str], postgres_settings: PostgresSettings
) -> None:
    async def store() -> None:
        async with open_database(postgres_settings) as database:
            other = ingested(transcript_id=derive_id("other"), title="Zoe", chunks=())
            await NotesStore(database).store_transcript(other)

    asyncio.run(store())
    code, out, err = run(capsys, "list", "--limit", "1")
    assert (code, len(out.splitlines())) == (0, 3)
    assert err == "the first 1 interview; a higher --limit shows more\n"
    assert run(capsys, "list", "--limit", "2")[2] == ""


@pytest.mark.usefixtures("reading_api")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list", "--study", "none"), "there is no study 'none'"),
        (("list", "--limit", "0"), "--limit"),
        (("show", str(TRANSCRIPT)), "there is no interview"),
        (("show", "ana.txt"), "`onrecord transcript list` has them"),
    ],
)
def test_what_cannot_be_listed_or_shown_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    code, _, err = run(capsys, *words)
    assert (code, why in err, len(err.splitlines())) == (2, True, 1), err


@pytest.mark.usefixtures("reading_api")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((str(TRANSCRIPT), "--reason", "x"), "there is no interview"),
        (("ana.txt", "--reason", "x"), "is no interview's id"),
        ((str(TRANSCRIPT), "--reason", " "), "--reason: is a line of 1 to 500 characters"),
        ((str(TRANSCRIPT),), "--reason"),
        ((str(TRANSCRIPT), "--reason", "x", "--revision", "0"), "--revision"),
    ],
)
def test_what_cannot_be_withdrawn_is_said_in_a_line(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    code, _, err = run(capsys, "withdraw", *words)
    assert (code, why in err, "Traceback" in err) == (2, True, False), err


@pytest.mark.usefixtures("reading_api", "two_revisions")
def test_interviews_are_handed_over(capsys: pytest.CaptureFixture[str]) -> None:
    to = ("handover", "--to", "token:ada", "--reason", "he left")
    assert run(capsys, *to, str(TRANSCRIPT)) == (
        *(0, ""),
        f"handed over to token:ada: interview {TRANSCRIPT}\n",
    )
    code, out, err = run(capsys, *to, "--study", "billing", "--from", "token:ada", "--json")
    assert (code, json.loads(out)["transcripts"]) == (0, 0), err
    for words in ((), (str(TRANSCRIPT), "--study", "billing"), (str(TRANSCRIPT), "--from", "/a")):
        code, _, err = run(capsys, *to, *words)
        assert (code, "name an interview by its id, or a study" in err) == (2, True), err
