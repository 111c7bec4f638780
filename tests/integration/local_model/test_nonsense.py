"""Nonsense, cited as kindly as can be: to whole turns. What passes is made of what was said."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from openai import AsyncOpenAI

from contracts.errors import RejectedError
from contracts.events import ChunkReady, Event, NotesDrafted, NotesValidated
from contracts.notes import DraftEvidence, DraftNote, Note
from contracts.study import Study, Theme
from contracts.transcript import Segment
from grounding.text.lemmas import get_lemma
from guardrail.domain import assess_draft, build_result_events
from guardrail.policy import OWN_WORDS, CheckPolicy, FailedCheckAction
from onrecord.demo.runner import SAMPLES
from support.chunks import CHUNK
from transcripts import read_transcript

LIBS: Final = Path(__file__).parents[3] / "libs"
STUDY: Final = Study(study_id="any", name="Any", themes=(Theme(id="any", name="Any"),))
STRICT: Final = CheckPolicy({OWN_WORDS: FailedCheckAction.REJECT})
PASSAGES: Final = 8
TURNS: Final = 3
SCHEMA: Final = {
    "type": "object",
    "properties": {"notes": {"type": "array", "items": {"type": "string"}, "maxItems": 2}},
    "required": ["notes"],
    "additionalProperties": False,
}
SAID: Final = re.compile(r"[a-z]{4,}")
TELLING: Final = re.compile(r"^(?:speaker|interview|participant|people|saying|think)")
"""Words with which a note tells that something was said."""


@pytest.fixture
async def client() -> AsyncIterator[AsyncOpenAI]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_model", "--port", "0", "--context-tokens", "2048"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(LIBS)},
    )
    assert process.stdout is not None
    url = (await asyncio.wait_for(process.stdout.readline(), 120)).decode().split()[-1]
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=120) as one:
        yield one
    process.terminate()
    await process.wait()


async def notes_on(client: AsyncOpenAI, turns: tuple[Segment, ...]) -> list[str]:
    transcript = "\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "notes", "schema": SCHEMA}}
    answer = await client.chat.completions.create(
        model="any",
        messages=[
            {"role": "system", "content": "Write short notes on what people say, a sentence each."},
            {"role": "user", "content": transcript[:3_000]},
        ],
        response_format=wanted,
        temperature=0.8,
        seed=7,
        max_tokens=200,
    )
    notes: list[str] = json.loads(answer.choices[0].message.content or '{"notes": []}')["notes"]
    return [note for note in notes if note.strip()]


def judged(turns: tuple[Segment, ...], statements: list[str]) -> tuple[Note, ...]:
    """What would be stored of notes that each cite all of the passage."""
    cited = tuple(DraftEvidence(segment=turn.number) for turn in turns)
    notes = tuple(DraftNote(statement=one, evidence=cited, themes=("any",)) for one in statements)
    chunk = CHUNK.model_copy(update={"study": STUDY, "context": (), "segments": turns})
    drafted = NotesDrafted(
        chunk=ChunkReady.model_validate(chunk.model_dump()),
        attempt=2,
        notes=notes,
        model="m",
        prompt_version="notes-2",
    )
    events: tuple[Event, ...]
    try:
        events = build_result_events(drafted, assess_draft(drafted), STRICT, replays=0)
    except RejectedError as error:
        events = error.salvaged
    (validated,) = [one for one in events if isinstance(one, NotesValidated)]
    return validated.notes


def unsaid(statement: str, text: str) -> set[str]:
    """Long words of a statement of which nobody said any form, found in a way of our own."""
    heard = SAID.findall(text.lower())
    beginnings, lemmas = {word[:4] for word in heard}, {get_lemma(word) for word in heard}
    return {
        word
        for word in SAID.findall(statement.lower())
        if word[:4] not in beginnings and get_lemma(word) not in lemmas and not TELLING.match(word)
    }


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_of_nonsense_nothing_is_stored_that_was_not_said(client: AsyncOpenAI) -> None:
    offered = stored = 0
    for name in ("bike-shop.vtt", "string-workshop.txt"):
        turns = read_transcript((SAMPLES / name).read_text("utf-8")).segments
        long = [turn for turn in turns if len(turn.text) > 150]
        for place in range(0, TURNS * PASSAGES // 2, TURNS):
            passage = tuple(long[place : place + TURNS])
            statements = await notes_on(client, passage)
            offered += len(statements)
            for note in judged(passage, statements):
                stored += 1
                text = " ".join(f"{turn.speaker}: {turn.text}" for turn in passage)
                assert not unsaid(note.statement, text), note.statement
    assert offered >= PASSAGES
    assert stored < offered, "this model makes things up: something has to be refused"
