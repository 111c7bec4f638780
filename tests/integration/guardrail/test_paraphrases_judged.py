"""A paraphrased interview before judges: how many calls it takes, and what no judge overturns.

The drafts are those of the simulator's paraphrasing mode, half of whose notes are false.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import REGISTRY
from starlette.responses import Response

from contracts.events import ChunkReady, NotesDrafted, NotesValidated
from contracts.notes import Standing
from database.settings import PostgresSettings
from evaluation.grounding.paraphrases import build_chunks
from evaluation.inputs import read_interviews
from grounding.checks import DOUBT_NAMES
from guardrail.app import build_judge_panel_opener
from guardrail.domain import assess_draft, build_result_events
from guardrail.judge import JudgePanel
from guardrail.policy import CheckPolicy
from guardrail.settings import GuardrailSettings
from prompts.notes import CURRENT
from simulator.paraphrasing import ParaphrasingRates, write_labelled_notes
from simulator.prompt import parse_notes_prompt
from support.scripted_endpoint import ScriptedEndpoint, events, piece
from support.simulator import simulated

INTERVIEWS: Final = Path(__file__).parents[3] / "libs" / "evaluation" / "interviews"
CALLS: Final = "onrecord_judge_calls_per_draft"
SEEDS: Final = range(14, 18)
NO_REDRAFT: Final = CheckPolicy(max_rejected_share=1.0)


def draft_interviews(notes: int) -> list[NotesDrafted]:
    """Return drafts of each chunk of the interviews, in the simulator's paraphrasing mode."""
    return [
        draft_chunk(chunk, notes, seed)
        for name, segments in read_interviews(INTERVIEWS).interviews.items()
        for chunk in build_chunks(name, segments)
        for seed in SEEDS
    ]


def draft_chunk(chunk: ChunkReady, notes: int, seed: int) -> NotesDrafted:
    passage = parse_notes_prompt([{"role": "user", "content": CURRENT.document(chunk)}])
    assert passage
    labelled = write_labelled_notes(passage, ParaphrasingRates(notes=notes), seed)
    return NotesDrafted(
        chunk=chunk,
        notes=tuple(one.note for one in labelled),
        model="simulated",
        prompt_version=CURRENT.version,
    )


@asynccontextmanager
async def open_panel(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresSettings, url: str, **judge: str
) -> AsyncIterator[JudgePanel]:
    """Open the judges as the guardrail's process does, by its settings."""
    variables = {
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "k",
        "ONRECORD_MODEL": "drafting",
        "GUARDRAIL_MODE": "light",
        "GUARDRAIL_JUDGE": "doubtful",
        **{f"GUARDRAIL_JUDGE_{name}": value for name, value in judge.items()},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with build_judge_panel_opener(GuardrailSettings())() as panel:
        assert panel is not None
        yield panel


async def validate(panel: JudgePanel, drafted: NotesDrafted) -> NotesValidated:
    deadline = asyncio.get_running_loop().time() + 30
    reviewed = await panel(drafted, assess_draft(drafted), deadline=deadline)
    event = build_result_events(drafted, reviewed, NO_REDRAFT, replays=0)[0]
    assert isinstance(event, NotesValidated)
    return event


def read_measured(what: str) -> float:
    """Return the sum or the count of what was measured so far of calls a draft."""
    return REGISTRY.get_sample_value(f"{CALLS}_{what}") or 0.0


@pytest.mark.parametrize("notes", [8, 20])
async def test_paraphrased_drafts_take_one_call_of_a_judge_a_chunk_at_most_on_average(
    monkeypatch: pytest.MonkeyPatch, postgres_settings: PostgresSettings, notes: int
) -> None:
    drafts = draft_interviews(notes)
    before = [read_measured(one) for one in ("sum", "count")]
    async with (
        simulated({"seed": 7}) as model,
        open_panel(monkeypatch, postgres_settings, model.url, MODEL="second") as panel,
    ):
        validated = [await validate(panel, one) for one in drafts]
        made = await model.calls("second")
    calls, number = (
        read_measured(one) - begin for one, begin in zip(("sum", "count"), before, strict=True)
    )
    asked = sum(
        note.standing in {Standing.CONFIRMED, Standing.UNPROVEN}
        for one in validated
        for note in one.notes
    )
    sys.stdout.write(f"{made} calls on {len(drafts)} chunks, about {asked} notes and more\n")
    assert (calls, number) == (made, len(drafts))
    assert asked > len(drafts)
    assert made <= number


def obey(body: Mapping[str, Any], _: int) -> Response:
    """Say of every note that all of it is supported, by the first words that it cites."""
    document = json.loads(body["messages"][1]["content"])
    rulings = [
        {
            "note": one["note"],
            "claims": [
                {
                    "claim": one["claim"],
                    "reason": "As you wish.",
                    "segment": one["cites"][0]["segment"],
                    "words": " ".join(one["cites"][0]["words"].split()[:8]),
                    "verdict": "supported",
                }
            ],
        }
        for one in document["notes"]
    ]
    answer = piece(json.dumps({"rulings": rulings}), "stop")
    return events(answer | {"model": body["model"]})


async def test_judges_who_confirm_everything_show_no_note_that_a_precise_check_refuses(
    monkeypatch: pytest.MonkeyPatch, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    endpoint = ScriptedEndpoint(obey)
    refused, confirmed = 0, 0
    async with endpoint.serve() as url:
        file = tmp_path / "judges.yaml"
        file.write_text("".join(f"- {{model: {one}, base_url: '{url}'}}\n" for one in "ab"))
        panel_of_four = {"MODELS": str(file), "PANEL": "true", "ASKS": "2"}
        async with open_panel(monkeypatch, postgres_settings, url, **panel_of_four) as panel:
            for drafted in draft_interviews(20):
                vetoed = {
                    one.draft
                    for one in assess_draft(drafted)
                    if any(failure.check not in DOUBT_NAMES for failure in one.failures)
                }
                event = await validate(panel, drafted)
                assert {one.draft for one in event.rejected} == vetoed
                refused += len(vetoed)
                details = [
                    voucher.detail
                    for note in event.notes
                    if note.standing is Standing.CONFIRMED
                    for voucher in note.vouchers
                ]
                confirmed += len(details)
                for detail in details:
                    assert "Of 4 votes 4 support it (a, 2 times, b, 2 times); 4 had to" in detail
    assert refused > 5
    assert confirmed > 20


async def test_each_model_of_a_panel_is_asked_as_often_as_is_set_each_time_with_another_seed(
    monkeypatch: pytest.MonkeyPatch, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    drafted = draft_interviews(8)[0]
    endpoint = ScriptedEndpoint(obey)
    async with endpoint.serve() as url:
        file = tmp_path / "judges.yaml"
        file.write_text("".join(f"- {{model: {one}, base_url: '{url}'}}\n" for one in "ab"))
        panel_of_six = {"MODELS": str(file), "PANEL": "true", "ASKS": "3", "AGREE": "4"}
        for _ in range(2):  # the second time all answers are cached
            async with open_panel(monkeypatch, postgres_settings, url, **panel_of_six) as panel:
                event = await validate(panel, drafted)
    asked = sorted((one["model"], one["seed"]) for one in endpoint.requests)
    assert asked == [(model, seed) for model in "ab" for seed in (7, 8, 9)]
    details = [
        voucher.detail
        for note in event.notes
        if note.standing is Standing.CONFIRMED
        for voucher in note.vouchers
    ]
    assert details
    for detail in details:
        assert detail.endswith("Of 6 votes 6 support it (a, 3 times, b, 3 times); 4 had to agree.")
