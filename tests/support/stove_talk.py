"""A made-up talk about stoves, with notes on it that code leaves undecided, true and false."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

from contracts.events import ChunkReady, NotesDrafted
from contracts.notes import DraftEvidence, DraftNote
from contracts.transcript import Role, Segment
from entailment.calibration import LabelledScore, compute_thresholds
from entailment.files import read_model_folder
from entailment.thresholds import write_thresholds
from support.chunks import CHUNK
from support.entailment_models import Example, write_word_model

_ROOMS = ("kitchen", "bathroom", "cellar", "attic")
_FUELS = ("gas", "oil", "wood", "coal", "pellets")
QUESTION = "How do you heat at home?"
_ANSWER = "In the {} there is a stove, and for that we buy {} from a man in the village."
_TRUE = (
    "Ben has a stove in the {} and buys the {} for it from a villager.",
    "In the {} there is a stove of Ben's, and he buys {} from a villager.",
)
_FALSE = (
    "Ben has a stove in the {} and steals the {} for it from a villager.",
    "In the {} there is a stove that Ben hates, and he buys {} from a villager.",
)

ANSWER = _ANSWER.format("kitchen", "gas")
TRUE = _TRUE[0].format("kitchen", "gas")
FALSE = _FALSE[0].format("kitchen", "gas")
UNCLEAR = "Ben has a stove in the kitchen and fetches the gas for it from a villager."
VERBATIM = "In the kitchen there is a stove."


def list_examples() -> list[Example]:
    """Return what a model is trained on: the talk, a note on it, whether it is true."""
    return [
        (f"Ann: {QUESTION}\nBen: {_ANSWER.format(*words)}", note.format(*words), is_true)
        for words in product(_ROOMS, _FUELS)
        for notes, is_true in ((_TRUE, True), (_FALSE, False))
        for note in notes
    ]


def write_pairs(file: Path) -> Path:
    """Write the examples as labelled pairs."""
    lines = [
        json.dumps({"doc": doc, "summary": note, "label": int(is_true)}) + "\n"
        for doc, note, is_true in list_examples()
    ]
    file.write_text("".join(lines))
    return file


def write_stove_model(folder: Path, *, classes: int = 1) -> Path:
    """Write a model that knows such talks, with thresholds: 0.1 and 0.9."""
    write_word_model(folder, list_examples(), classes=classes)
    scores = [LabelledScore(0.9, is_true=True), LabelledScore(0.1, is_true=False)]
    files = read_model_folder(folder).hashes
    write_thresholds(compute_thresholds(scores, false_rate=0.01, files=files), folder)
    return folder


def chunk_of(*turns: tuple[str, str]) -> ChunkReady:
    """Return a chunk of turns; Ann is the interviewer."""
    segments = tuple(
        Segment(
            number=at,
            speaker=speaker,
            role=Role.INTERVIEWER if speaker == "Ann" else Role.PARTICIPANT,
            text=text,
        )
        for at, (speaker, text) in enumerate(turns, start=1)
    )
    return CHUNK.model_copy(update={"context": (), "chunk_count": 1, "segments": segments})


TALK = chunk_of(("Ann", QUESTION), ("Ben", ANSWER))


def note_on(statement: str, *cited: int) -> DraftNote:
    """Return a note that cites whole turns; without any, the second one."""
    evidence = tuple(DraftEvidence(segment=one) for one in cited or (2,))
    return DraftNote(statement=statement, evidence=evidence, themes=("cost",))


def draft_of(*statements: str, chunk: ChunkReady = TALK) -> NotesDrafted:
    """Return a draft with notes on the second turn."""
    notes = tuple(note_on(one) for one in statements)
    return NotesDrafted(chunk=chunk, attempt=1, notes=notes, model="m", prompt_version="notes-1")
