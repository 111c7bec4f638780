"""``onrecord explain``: claim beside evidence, with every check."""

import asyncio
import json
from typing import Any

import pytest

from contracts.events import ChunkReady, NotesDrafted, NotesValidated
from contracts.notes import CheckFailure, DraftEvidence, DraftNote
from database.pool import Database
from database.settings import PostgresSettings
from grounding import CHECKS
from guardrail.domain import assess_draft, build_result_events
from guardrail.policy import CheckPolicy, FailedCheckAction
from onrecord import cli
from persistence.store import NotesStore
from spacy_models import is_spacy_installed
from support.interviews import (
    STUDY,
    TRANSCRIPT,
    TURNS,
    chunk,
    evidence,
    ingested,
    note,
    validated,
)

CHUNK = ChunkReady(
    chunk_id=chunk().chunk_id,
    transcript_id=TRANSCRIPT,
    revision=1,
    index=1,
    chunk_count=2,
    title="Interview 1",
    study=STUDY,
    segments=TURNS,
)

pytestmark = pytest.mark.usefixtures("reading_api")


def cited(statement: str, first_words: str, last_words: str) -> DraftNote:
    passage = DraftEvidence(segment=2, first_words=first_words, last_words=last_words)
    return DraftNote(statement=statement, evidence=(passage,), themes=("price",))


TRUE = cited("Bo pays 40 dollars.", "We pay", "dollars")
FLAGGED = cited("Bo pays 60 dollars.", "We pay", "dollars")
FALSE = cited("Bo would recommend it.", "I would", "recommend it")
POLICY = CheckPolicy(
    {
        "number_not_in_evidence": FailedCheckAction.FLAG,
        "negation_mismatch": FailedCheckAction.REJECT,
    },
    max_rejected_share=1.0,
)


@pytest.fixture
async def filled(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> Database:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    drafted = NotesDrafted(
        chunk=CHUNK, notes=(TRUE, FLAGGED, FALSE), model="small", prompt_version="notes-2"
    )
    (event,) = build_result_events(drafted, assess_draft(drafted), POLICY, replays=0)
    assert isinstance(event, NotesValidated)
    await store.store_notes(event)
    return fresh_database


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.run_command(arguments) == code
    output = capsys.readouterr()
    return output.err if code else output.out


def ids(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Ids by statement, of accepted and refused notes."""
    notes: list[dict[str, Any]] = json.loads(run(capsys, "notes", "--json"))
    refused: list[dict[str, Any]] = json.loads(run(capsys, "notes", "--rejected", "--json"))
    return {one["statement"] or one["model_reading"]: one["note_id"] for one in notes} | {
        one["draft"]["statement"]: one["rejected_id"] for one in refused
    }


def test_an_accepted_note_passes_every_check(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(capsys, "explain", ids(capsys)[TRUE.statement][:8])
    assert ": accepted\n" in page
    assert "chunk 1 of 2, draft 1 by small (notes-2)" in page
    assert "Bo pays 40 dollars." in page
    assert "“We pay 40 dollars" in page
    assert "✗" not in page
    for check in CHECKS:
        mark = "\N{EN DASH}" if check.is_heavy and not is_spacy_installed() else "✓"
        assert f"{mark} {check.name}: " in page


def test_a_refused_note_shows_the_passages_that_differ(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    page = run(capsys, "explain", ids(capsys)[FALSE.statement])
    assert ": refused\n" in page
    assert "✗ negation_mismatch: " in page
    assert "would not recommend it" in page


async def test_what_a_refused_note_cites_in_vain_stands_beside_what_is_there(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    places = (("We pay", "dollars"), ("We love", "it so"))
    both = tuple(
        DraftEvidence(segment=2, first_words=first, last_words=last) for first, last in places
    )
    draft = DraftNote(statement="Bo pays 40 dollars.", evidence=both, themes=("price",))
    drafted = NotesDrafted(
        chunk=CHUNK, attempt=2, notes=(draft,), model="small", prompt_version="notes-2"
    )
    chunk_id = chunk(index=2).chunk_id
    (event,) = build_result_events(drafted, assess_draft(drafted), POLICY, replays=0)
    assert isinstance(event, NotesValidated)
    await NotesStore(filled).store_notes(event.model_copy(update={"chunk_id": chunk_id}))
    refused = await filled.fetchval(
        "SELECT rejected_id::text FROM rejected_notes WHERE chunk_id = $1", chunk_id
    )
    page = await asyncio.to_thread(run, capsys, "explain", refused)
    assert "“We pay 40 dollars" in page
    assert "segment 2: “We love … it so”" in page


def test_a_flagged_note_says_which_check_it_did_not_pass(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    output = json.loads(run(capsys, "explain", ids(capsys)[FLAGGED.statement], "--json"))
    assert output["state"] == "flagged"
    failed = [one for one in output["checks"] if one["then"]]
    assert [one["check"] for one in failed] == ["number_not_in_evidence"]
    assert failed[0]["then"] == failed[0]["today"]
    assert output["evidence"][0]["quote"].startswith("We pay 40 dollars")
    assert (output["model"], output["study"], output["attempt"]) == ("small", "billing", 1)


async def test_a_masked_note_tells_its_flag_too(
    filled: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = CheckFailure(check="own_words", reason="None of the cited words is: often.")
    masked = evidence(masked_quote="I would not recommend it")
    output = note("Bo often would not recommend it.", masked, flags=(flag,))
    await NotesStore(filled).store_notes(validated(output, index=2))
    page = await asyncio.to_thread(run, capsys, "explain", str(output.note_id))
    assert ": accepted with a flag, personal data masked\n" in page
    assert "✗ own_words: " in page


def test_says_so_where_a_check_says_something_else_today(
    filled: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lenient = tuple(one for one in CHECKS if one.name != "negation_mismatch")
    monkeypatch.setattr("grounding.assessment.CHECKS", lenient)
    page = run(capsys, "explain", ids(capsys)[FALSE.statement])
    assert "✗ negation_mismatch: " in page
    assert "it passes today: the checks have changed since" in page


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("xyz", "is no note's id"),
        ("ab", "is no note's id"),
        ("00000000", "no note's id begins with 00000000"),
    ],
)
def test_an_id_that_is_none_is_told(
    filled: Database, capsys: pytest.CaptureFixture[str], asked: str, message: str
) -> None:
    assert message in run(capsys, "explain", asked, code=2)
