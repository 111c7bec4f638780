"""Letters that were discarded although the broker may have their messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.control_api import DeadLetterState
from database.pool import Database
from integration.control_store.test_replay_outcomes import FAILED_AGAIN, again, refused, state
from support.settled_interviews import SettledInterview


@pytest.fixture
def interview(fresh_database: Database) -> SettledInterview:
    return SettledInterview(fresh_database)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(hours=23), FAILED_AGAIN),
        (timedelta(hours=25), DeadLetterState.DISCARDED),
        (timedelta(days=400), DeadLetterState.DISCARDED),
    ],
)
async def test_a_discarded_letter_that_may_be_sent_has_failed_again_within_a_day_only(
    interview: SettledInterview, after: timedelta, expected: DeadLetterState
) -> None:
    letter = await refused(interview)
    assert await interview.letters.claim_for_replay(letter.letter_id)
    await interview.letters.release_claims([letter.letter_id], may_be_sent=[letter.letter_id])
    assert await interview.letters.discard(letter.letter_id, "nobody needs it")
    failed_at = datetime.now(UTC) + after
    await refused(interview, 2, failed_at=failed_at)
    assert await state(interview, letter) is expected


async def test_a_discarded_letter_has_failed_again_however_late_its_own_message_does(
    interview: SettledInterview,
) -> None:
    letter = await interview.dies(2)
    assert await interview.letters.claim_for_replay(letter.letter_id)
    await interview.letters.release_claims([letter.letter_id], may_be_sent=[letter.letter_id])
    assert await interview.letters.discard(letter.letter_id, "nobody needs it")
    await again(interview, letter, 2, failed_at=datetime.now(UTC) + timedelta(days=400))
    assert await state(interview, letter) is FAILED_AGAIN
