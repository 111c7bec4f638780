"""What ``explain`` and ``notes --json`` say of notes that judges have voted on."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from contracts.events import ChunkReady, NotesDrafted, NotesValidated
from contracts.notes import DraftEvidence, DraftNote, Standing
from database.pool import Database
from database.settings import PostgresSettings
from guardrail.domain import assess_draft, build_result_events
from guardrail.judge import JudgePanel, PanelOptions
from guardrail.judge_votes import VoteRule
from guardrail.policy import JUDGES_DISAGREE, NOT_ENTAILED, NOT_JUDGED, CheckPolicy
from judging.judges import build_judge
from model_client import ModelClient, ModelSettings
from onrecord import cli
from persistence.store import NotesStore
from support.interviews import TURNS, ingested
from support.scripted_endpoint import ScriptedEndpoint, events, piece

SAID: Final = (
    "We pay 40 dollars a month for the software. Nobody in the team has ever called the support. "
    "I would look for another tool if the price went up."
)

pytestmark = pytest.mark.usefixtures("reading_api")
VERBATIM: Final = "We pay 40 dollars a month for the software."
TIDIED: Final = "Bo says that they pay 40 dollars a month for the software."
CONFIRMED: Final = "The software costs them 40 dollars monthly."
DISPUTED: Final = "The team gets by without the support."
UNSUPPORTED: Final = "Bo finds the support slow."
UNJUDGED: Final = "Bo watches what the software costs."
REFUTED: Final = "The team calls the support often."
STATEMENTS: Final = (VERBATIM, TIDIED, CONFIRMED, DISPUTED, UNSUPPORTED, UNJUDGED, REFUTED)
RULINGS: Final = {
    CONFIRMED: {"a": "supported", "b": "supported"},
    DISPUTED: {"a": "supported", "b": "not_supported"},
    UNSUPPORTED: {"a": "not_supported", "b": "not_supported"},
    REFUTED: {"a": "contradicted", "b": "contradicted"},
}
WORDS: Final = {CONFIRMED: "40 dollars a month for the software"}


def respond(body: dict[str, Any], _: int) -> Response:
    model = body["model"]
    rulings = [
        {
            "note": one["note"],
            "claims": [
                {
                    "claim": one["claim"],
                    "reason": "So it was said.",
                    "segment": 2,
                    "words": WORDS.get(one["claim"], "Nobody in the team has ever called"),
                    "verdict": RULINGS[one["claim"]][model],
                }
            ],
        }
        for one in json.loads(body["messages"][1]["content"])["notes"]
        if one["claim"] in RULINGS
    ]
    return events(piece(json.dumps({"rulings": rulings}), "stop") | {"model": model})


@pytest.fixture
async def stored(
    fresh_database: Database, postgres_settings: PostgresSettings, monkeypatch: pytest.MonkeyPatch
) -> NotesValidated:
    """A draft that two judges have voted on, as it is stored."""
    asked, answered = TURNS
    interview = ingested(segments=(asked, answered.model_copy(update={"text": SAID})))
    ready = ChunkReady(
        **interview.model_dump(include={"transcript_id", "revision", "title", "study", "segments"}),
        chunk_id=interview.chunks[0].chunk_id,
        index=1,
        chunk_count=1,
    )
    notes = tuple(
        DraftNote(statement=one, evidence=(DraftEvidence(segment=2),), themes=("price",))
        for one in STATEMENTS
    )
    drafted = NotesDrafted(chunk=ready, notes=notes, model="small", prompt_version="notes-3")
    async with ScriptedEndpoint(respond).serve() as url:
        clients = [
            ModelClient(ModelSettings(base_url=url, api_key=SecretStr("k"), model=one))
            for one in "ab"
        ]
        async with clients[0], clients[1]:
            judges = [build_judge(one, None) for one in clients]
            panel = JudgePanel(judges, clients, PanelOptions(rule=VoteRule(2, 2)))
            deadline = asyncio.get_running_loop().time() + 20
            reviewed = await panel(drafted, assess_draft(drafted), deadline=deadline)
    (event,) = build_result_events(drafted, reviewed, CheckPolicy(), replays=0)
    sent = NotesValidated.model_validate_json(event.model_dump_json())
    store = NotesStore(fresh_database)
    await store.store_transcript(interview)
    await store.store_notes(sent)
    return sent


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run_command(arguments) == 0, capsys.readouterr().err
    return capsys.readouterr().out


VOTES: Final = {
    CONFIRMED: "Of 2 votes 2 support it (a, b); 2 had to agree.",
    DISPUTED: "Of 2 votes 1 supports it (a) and 1 does not find it borne out (b); 2 had to agree.",
    UNSUPPORTED: "Of 2 votes 2 do not find it borne out (a, b); 2 had to agree.",
    UNJUDGED: "Of 2 votes 2 are missing (a gave a ruling that does not count and b gave a ruling "
    "that does not count); 2 had to agree.",
    REFUTED: "Of 2 votes 2 contradict it (a, b); 2 had to agree.",
}
FLAGS: Final = {DISPUTED: JUDGES_DISAGREE, UNSUPPORTED: NOT_ENTAILED, UNJUDGED: NOT_JUDGED}


async def test_explain_says_under_the_standing_how_judges_voted(
    stored: NotesValidated, capsys: pytest.CaptureFixture[str]
) -> None:
    (rejected,) = json.loads(await asyncio.to_thread(run, capsys, "notes", "--rejected", "--json"))
    assert rejected["draft"]["statement"] == REFUTED
    ids = {one.statement: str(one.note_id) for one in stored.notes}
    for statement, votes in VOTES.items():
        note_id = ids.get(statement) or rejected["rejected_id"]
        page = await asyncio.to_thread(run, capsys, "explain", note_id)
        head, _, checks = page.partition("evidence  ")
        assert votes in " ".join(head.split()), head
        # What it failed stands before what it passed.
        assert "\u2713" not in checks.rpartition("\u2717")[0]


async def test_programs_read_how_judges_voted(
    stored: NotesValidated, capsys: pytest.CaptureFixture[str]
) -> None:
    standings = {one.statement: one.standing for one in stored.notes}
    assert standings[VERBATIM] is standings[TIDIED] is Standing.VERBATIM
    assert standings[CONFIRMED] is Standing.CONFIRMED
    found = json.loads(await asyncio.to_thread(run, capsys, "notes", "--json"))
    by_statement = {one["statement"] or one["model_reading"]: one for one in found}
    for statement, check in FLAGS.items():
        one = by_statement[statement]
        assert one["standing"] == "unproven"
        (reason,) = [flag["reason"] for flag in one["flags"] if flag["check"] == check]
        assert VOTES[statement] in reason
    for voucher in by_statement[CONFIRMED]["vouchers"]:
        assert voucher["detail"].endswith(VOTES[CONFIRMED])
