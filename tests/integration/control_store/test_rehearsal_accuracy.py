"""Predictions of rehearsals are compared with what the replays of their letters ended in."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.rehearsals import ListRehearsedLettersRequest, RehearsalPrediction, RehearsalRequest
from control.domain import IndexedDeadLetter
from control.rehearsals.prediction import LetterPrediction
from control.rehearsals.store import RehearsalStore
from control.replays.outcomes import ReplayOutcomeSweeper
from database.pool import Database
from support.interviews import chunk
from support.settled_interviews import SettledInterview

SUBJECT = str(chunk(1, 1).chunk_id)
PASSES = LetterPrediction(RehearsalPrediction.PASSES)
FAILURE: dict[str, Any] = {
    "error_code": "llm_refused",
    "error_type": "RefusalError",
    "error_message": "refused",
}


def fails(service: str) -> LetterPrediction:
    return LetterPrediction(RehearsalPrediction.OTHER_CAUSE, service=service, **FAILURE)


class Compared:
    """A letter that is rehearsed, replayed, and compared."""

    def __init__(self, database: Database) -> None:
        self.interview = SettledInterview(database)
        self.store = RehearsalStore(database)

    async def rehearse(self, service: str, found: LetterPrediction) -> IndexedDeadLetter:
        await self.interview.ingest()
        letter = await self.interview.set_aside(1, service=service, subject=SUBJECT)
        begun = await self.store.begin(RehearsalRequest(), [], by="somebody")
        self.rehearsal_id = begun.rehearsal_id
        await self.store.store(self.rehearsal_id, letter.letter_id, found)
        return letter

    async def result(self) -> tuple[str, int, int]:
        await ReplayOutcomeSweeper(self.interview.database).sweep()
        accuracy = (await self.store.rehearsal(self.rehearsal_id)).accuracy
        page = await self.store.letters(self.rehearsal_id, ListRehearsedLettersRequest(), None)
        return page[0].outcome, accuracy.settled, accuracy.right


@pytest.fixture
def compared(fresh_database: Database) -> Compared:
    return Compared(fresh_database)


@pytest.mark.parametrize(
    ("service", "prediction", "right"),
    [
        ("enrichment", fails("enrichment"), 1),
        ("enrichment", PASSES, 0),
        ("guardrail", fails("guardrail"), 1),
        ("guardrail", fails("enrichment"), 0),
    ],
)
async def test_what_fails_again_is_compared_by_its_cause(
    compared: Compared, service: str, prediction: LetterPrediction, right: int
) -> None:
    letter = await compared.rehearse(service, prediction)
    await compared.interview.replay(letter)
    assert await compared.result() == ("pending", 0, 0)
    changed: dict[str, Any] = {
        "service": service,
        "subject": SUBJECT,
        "replay_of": letter.letter_id,
        "source_offset": letter.source_offset,
    }
    await compared.interview.set_aside(2, **changed, **FAILURE)
    assert await compared.result() == ("failed", 1, right)


@pytest.mark.parametrize(("prediction", "right"), [(fails("enrichment"), 1), (PASSES, 0)])
async def test_a_draft_that_dies_at_enrichment_has_not_passed(
    compared: Compared, prediction: LetterPrediction, right: int
) -> None:
    letter = await compared.rehearse("guardrail", prediction)
    await compared.interview.replay(letter)
    changed = {"subject": SUBJECT, "source_topic": "notes-rejected"}
    await compared.interview.set_aside(2, **changed, **FAILURE)
    assert await compared.result() == ("failed", 1, right)


@pytest.mark.parametrize("service", ["enrichment", "guardrail"])
async def test_a_chunk_that_is_stored_has_passed(compared: Compared, service: str) -> None:
    letter = await compared.rehearse(service, PASSES)
    await compared.interview.replay(letter)
    await compared.interview.store(1)
    assert await compared.result() == ("passed", 1, 1)


async def test_letters_about_the_same_chunk_of_before_the_replay_say_nothing(
    compared: Compared,
) -> None:
    letter = await compared.rehearse("guardrail", PASSES)
    await compared.interview.set_aside(2, subject=SUBJECT, **FAILURE)
    assert await compared.store.rehearsal(compared.rehearsal_id)
    await compared.interview.replay(letter)
    assert await compared.result() == ("pending", 0, 0)


async def test_an_enrichment_that_passes_is_not_judged_by_what_the_guardrail_says(
    compared: Compared,
) -> None:
    letter = await compared.rehearse("enrichment", PASSES)
    await compared.interview.replay(letter)
    changed = {"service": "guardrail", "subject": SUBJECT, "source_topic": "notes-drafted"}
    await compared.interview.set_aside(2, **changed, **FAILURE)
    assert await compared.result() == ("passed", 1, 1)
