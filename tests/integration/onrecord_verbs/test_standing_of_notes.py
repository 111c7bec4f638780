"""What nothing vouches for is never printed, given to programs or explained as a finding."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contracts.events import ChunkReady, NotesDrafted, NotesValidated
from contracts.notes import DraftEvidence, DraftNote, Note, Standing, Voucher, VoucherKind
from contracts.study import StatementPolicy
from database.pool import Database
from database.settings import PostgresSettings
from guardrail.domain import assess_draft, build_result_events
from guardrail.policy import CheckPolicy, FailedCheckAction
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import STUDY, TURNS, evidence, ingested, note, validated

pytestmark = pytest.mark.usefixtures("reading_api")

RULE = Voucher(kind=VoucherKind.RULE, name="aligned", detail="Each word of it is in the quote.")
JUDGE = Voucher(kind=VoucherKind.JUDGE, name="second", detail="It answered that they do.")
PAID = evidence("We pay 40 dollars 🙂")
NOTES: dict[Standing, Note] = {
    Standing.VERBATIM: note("Bo says V", PAID, standing=Standing.VERBATIM, vouchers=(RULE,)),
    Standing.PROVEN: note("Bo says P", PAID, standing=Standing.PROVEN, vouchers=(RULE,)),
    Standing.CONFIRMED: note("Bo says C", PAID, standing=Standing.CONFIRMED, vouchers=(JUDGE,)),
    Standing.UNPROVEN: note("Bo says U", PAID, evidence()),
}
READING = "model's reading, not proven: "
MARK = "not proven: nothing vouches for this statement"


@pytest.fixture
async def store(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> NotesStore:
    return NotesStore(fresh_database)


@pytest.fixture
async def filled(store: NotesStore, request: pytest.FixtureRequest) -> None:
    policy = getattr(request, "param", StatementPolicy.PROVEN)
    study = STUDY.model_copy(update={"statements": policy})
    await store.store_transcript(ingested(study=study))
    await store.store_notes(validated(*NOTES.values()))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run_command(arguments) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def read_json(capsys: pytest.CaptureFixture[str], *options: str) -> dict[Standing, dict[str, Any]]:
    found = json.loads(run(capsys, "notes", "--json", *options))
    return {Standing(one["standing"]): one for one in found}


def bullets(page: str) -> list[str]:
    """What stands as a note's first line, without its id."""
    return [line[4:-11] for line in page.splitlines() if line.startswith("  • ")]


QUOTE = "“We pay 40 dollars 🙂”"
SHOWN = {
    StatementPolicy.PROVEN: ["Bo says V", "Bo says P", "Bo says C", QUOTE],
    StatementPolicy.CONFIRMED: ["Bo says V", "Bo says P", "Bo says C", QUOTE],
    StatementPolicy.ALL: ["Bo says V", "Bo says P", "Bo says C", "Bo says U"],
    StatementPolicy.QUOTES: [QUOTE] * 4,
}


@pytest.mark.parametrize("filled", StatementPolicy, indirect=True)
@pytest.mark.parametrize("asked", [None, *StatementPolicy])
@pytest.mark.usefixtures("filled")
def test_statements_are_shown_as_the_study_or_the_reader_wants(
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    asked: StatementPolicy | None,
) -> None:
    options = () if asked is None else ("--statements", asked.value)
    policy = asked or request.node.callspec.params["filled"]
    assert bullets(run(capsys, "notes", *options)) == SHOWN[policy]
    for standing, one in read_json(capsys, *options).items():
        words = NOTES[standing].statement
        is_shown = words in SHOWN[policy]
        has_reading = not is_shown and policy is not StatementPolicy.QUOTES
        assert one["statement"] == (words if is_shown else None)
        assert one["model_reading"] == (words if has_reading else None)


@pytest.mark.usefixtures("filled")
def test_an_unproven_note_shows_all_its_quotes_and_then_the_model_s_reading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = run(capsys, "notes", "--standing", "unproven")
    note_id = str(NOTES[Standing.UNPROVEN].note_id)[:8]
    assert page == (
        "Price (1 note)\n"
        "\n"
        f"  • {QUOTE} ({note_id})\n"
        "      Bo [00:01], Interview 1\n"
        "      Bo [00:01], Interview 1\n"
        "      “I would not recommend it”\n"
        f"      {READING}Bo says U\n"
        "\n"
    )


@pytest.mark.usefixtures("filled")
def test_an_unproven_statement_that_is_asked_for_is_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = run(capsys, "notes", "--statements", "all")
    assert page.count(MARK) == 1
    assert f"\n      {MARK}\n" in page.partition("Bo says U")[2]


@pytest.mark.usefixtures("filled")
def test_a_study_of_quotes_shows_no_statement_in_any_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = run(capsys, "notes", "--statements", "quotes")
    assert "Bo says" not in page
    assert "reading" not in page


@pytest.mark.parametrize("standing", NOTES)
@pytest.mark.usefixtures("filled")
def test_notes_are_found_by_their_standing_and_carry_what_vouches_for_them(
    capsys: pytest.CaptureFixture[str], standing: Standing
) -> None:
    found = read_json(capsys, "--standing", standing.value)
    assert [*found] == [standing]
    vouchers = [one.model_dump(mode="json") for one in NOTES[standing].vouchers]
    assert found[standing]["vouchers"] == vouchers


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--standing refuted", "`onrecord notes --rejected` shows them"),
        ("--standing proved", "'proved' is not one of"),
        ("--statements some", "'some' is not one of"),
        ("--rejected --standing proven", "do not go with --rejected"),
        ("--rejected --statements all", "do not go with --rejected"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_wrong_combination_is_a_mistake(
    capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert cli.run_command(["notes", *options.split()]) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())


BY_RULE = "  rule aligned: Each word of it is in the quote.\n"
BY_JUDGE = "  judging model second: It answered that they do.\n"
IN_WORDS = {
    Standing.VERBATIM: f"verbatim: the statement is the quote's own words\n{BY_RULE}",
    Standing.PROVEN: "proven: code accounted for every part of the statement in the quotes\n"
    f"{BY_RULE}",
    Standing.CONFIRMED: "confirmed: a model that was asked found that the quotes support the "
    f"statement\n{BY_JUDGE}",
    Standing.UNPROVEN: "unproven: nothing vouches for the statement and nothing refutes it; the",
}


@pytest.mark.parametrize("standing", NOTES)
@pytest.mark.usefixtures("filled")
def test_explain_says_in_words_what_vouches_for_a_note(
    capsys: pytest.CaptureFixture[str], standing: Standing
) -> None:
    page = run(capsys, "explain", str(NOTES[standing].note_id))
    assert f"\n{IN_WORDS[standing]}" in page
    # What is no finding stands behind its evidence.
    lines = [" ".join(line.split()) for line in page.splitlines()]
    is_unproven = standing is Standing.UNPROVEN
    assert ("evidence model's reading, not proven" in lines) == is_unproven
    assert ("claim evidence" in lines) == (not is_unproven)


async def test_what_the_guardrail_does_not_prove_reaches_no_reader_as_a_finding(
    store: NotesStore, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "We pay 40 dollars a month for the software."
    asked, answered = TURNS
    ingested_ = ingested(segments=(asked, answered.model_copy(update={"text": said})))
    quoted, read = (
        DraftNote(statement=text, evidence=(DraftEvidence(segment=2),), themes=("price",))
        for text in (said, "They pay 60 dollars.")
    )
    ready = ChunkReady(
        **ingested_.model_dump(include={"transcript_id", "revision", "title", "study", "segments"}),
        chunk_id=ingested_.chunks[0].chunk_id,
        index=1,
        chunk_count=1,  # what follows could take it back
    )
    drafted = NotesDrafted(
        chunk=ready, notes=(quoted, read), model="small", prompt_version="notes-2"
    )
    lenient = CheckPolicy({"number_not_in_evidence": FailedCheckAction.FLAG})
    (event,) = build_result_events(drafted, assess_draft(drafted), lenient, replays=0)
    sent = NotesValidated.model_validate_json(event.model_dump_json())
    assert [one.standing for one in sent.notes] == [Standing.VERBATIM, Standing.UNPROVEN]
    await store.store_transcript(ingested_)
    await store.store_notes(sent)

    rows = await fresh_database.fetch("SELECT statement FROM current_notes ORDER BY position")
    assert [row["statement"] for row in rows] == [quoted.statement, None]
    page = await asyncio.to_thread(run, capsys, "notes")
    assert bullets(page) == [quoted.statement, f"“{said}”"]
    assert page.count(read.statement) == page.count(f"{READING}{read.statement}") == 1
    found = await asyncio.to_thread(read_json, capsys)
    assert found[Standing.UNPROVEN]["statement"] is None


@pytest.mark.usefixtures("filled")
def test_explain_gives_programs_no_unproven_statement(capsys: pytest.CaptureFixture[str]) -> None:
    for standing, one in NOTES.items():
        found = json.loads(run(capsys, "explain", str(one.note_id), "--json"))
        is_shown = standing is not Standing.UNPROVEN
        assert found["standing"] == standing
        assert found["statement"] == (one.statement if is_shown else None)
        assert found["model_reading"] == (None if is_shown else one.statement)
        assert found["vouchers"] == [voucher.model_dump(mode="json") for voucher in one.vouchers]


@pytest.mark.usefixtures("filled")
def test_notes_are_counted_by_standing(capsys: pytest.CaptureFixture[str]) -> None:
    counts = json.loads(run(capsys, "notes", "--standings", "--json"))
    assert counts == {"verbatim": 1, "proven": 1, "confirmed": 1, "unproven": 1, "refuted": 0}
    page = run(capsys, "notes", "--standings", "--theme", "price")
    assert [line.split()[:2] for line in page.splitlines() if line.split()[0].isdigit()] == [
        [str(count), standing] for standing, count in counts.items()
    ]


def test_a_count_by_standing_takes_no_option_that_would_leave_some_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for option in ("--rejected", "--standing=proven", "--statements=all", "--limit=1"):
        assert cli.run_command(("notes", "--standings", option)) == 2
        assert "--standings" in capsys.readouterr().err
