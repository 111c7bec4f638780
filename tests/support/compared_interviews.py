"""A study of any number of interviews with several themes and questions, to compare them by."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from contracts.notes import Note, Standing, Voucher, VoucherKind
from contracts.study import Question, Study, Theme
from database.pool import Database
from persistence.store import NotesStore
from support.many_interviews import Interview, interview

THEMES: Final = 12
QUESTIONS: Final = 8
UNPROVEN: Final = 0.3
"""Share of the notes that nothing vouches for."""
WRITERS: Final = 8

STUDY: Final = Study(
    study_id="bench",
    name="Bench",
    themes=tuple(Theme(id=f"theme-{n}", name=f"Theme {n}") for n in range(THEMES)),
    questions=tuple(
        Question(id=f"question-{n}", text=f"What about {n}?") for n in range(QUESTIONS)
    ),
)
_VOUCHER: Final = Voucher(kind=VoucherKind.RULE, name="aligned", detail="Each word of it.")


def compared_interview(number: int, chunks: int) -> Interview:
    """Return an interview of made-up words whose notes have one of the themes and questions."""
    made = interview(number, chunks)
    choices = random.Random(number)
    drafts = tuple(
        one.model_copy(update={"notes": tuple(_vary(note, choices) for note in one.notes)})
        for one in made.drafts
    )
    return Interview(made.ingested.model_copy(update={"study": STUDY}), drafts)


def _vary(note: Note, choices: random.Random) -> Note:
    is_proven = choices.random() > UNPROVEN
    vouched = {"standing": Standing.PROVEN, "vouchers": (_VOUCHER,)} if is_proven else {}
    topics = {
        "themes": (choices.choice(STUDY.themes).id,),
        "questions": (choices.choice(STUDY.questions).id,),
    }
    return note.model_copy(update={**topics, **vouched})


async def store_compared_interviews(database: Database, number: int, chunks: int) -> None:
    """Store so many interviews with their notes, and have PostgreSQL count what it has."""
    store = NotesStore(database)
    numbers = iter(range(number))

    async def write() -> None:
        for one in numbers:
            made = compared_interview(one, chunks)
            await store.store_transcript(made.ingested)
            for drafted in made.drafts:
                await store.store_notes(drafted)

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    await database.execute("ANALYZE")
