"""Notes on which the checks reach no verdict, and the simulated judge's answers about them."""

from __future__ import annotations

from typing import Final

from contracts.events import ChunkReady, NotesDrafted
from contracts.ids import derive_chunk_id
from contracts.notes import DraftEvidence, DraftNote
from contracts.transcript import Role, Segment
from support.chunks import CHUNK, INTERVIEW, drafted

TOLD: Final = (
    "We pay sixty pounds a month.",
    "We could move to the coast.",
    "No, the boiler is from the council.",
    "We pay Jane.Roe@example.com sixty pounds a month.",
)
SEGMENTS: Final = tuple(
    Segment(number=number, speaker="Ben", role=Role.PARTICIPANT, text=text)
    for number, text in enumerate(TOLD, start=4)
)
DOUBTED: Final = CHUNK.model_copy(update={"segments": SEGMENTS, "context": ()})
"""A chunk on which notes can be in doubt."""


def note(statement: str, *segments: int) -> DraftNote:
    """Return a draft note that cites whole segments."""
    evidence = tuple(DraftEvidence(segment=one) for one in segments)
    return DraftNote(statement=statement, evidence=evidence, themes=("cost",))


VERBATIM: Final = note("The boiler is from the council.", 6)
FALSE: Final = note("They pay ninety pounds a month.", 4)
BORNE_OUT: Final = note("They pay sixty pounds monthly.", 4)
"""Passes in words of its own; the simulator supports it."""
UNSUPPORTED: Final = note("They pay sixty pounds a month for heating.", 4)
"""Passes; the quote says nothing of heating."""
CONTRADICTED: Final = note("The household boiler is from the council.", 6)
"""Passes; the simulator takes the quote's "no" for a denial."""
REFUSED: Final = note("They will move to the coast.", 5)
"""Fails ``modality_differs`` alone; the simulator supports it."""


def draft_of(*notes: DraftNote, index: int = 1) -> NotesDrafted:
    """Return a draft event on the chunk, or on another chunk with the same words."""
    chunk: ChunkReady = DOUBTED.model_copy(
        update={"chunk_id": derive_chunk_id(INTERVIEW, 1, "0" * 64, index), "index": index}
    )
    return drafted(*notes).model_copy(update={"chunk": chunk})
