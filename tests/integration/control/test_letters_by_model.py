"""Letters are selected by the model and the prompt that drafted last; typos say what there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from contracts.call_purposes import DRAFT, JUDGE, REPAIR_SUFFIX
from contracts.ids import derive_id
from database.pool import Database
from prompts.notes import CURRENT
from support.chunks import CHUNK
from support.control_office import Office

CALL = """
INSERT INTO llm_calls (
    call_id, study_id, subject, purpose, prompt_version, endpoint, model, day, started_at
)
VALUES (gen_random_uuid(), 's', $1, $2, $3, 'e', $4, current_date, $5)
"""


async def drafted(
    office: Office, database: Database, number: int, *calls: tuple[str, str, str]
) -> UUID:
    """Set a chunk's message aside after calls about it: purpose, prompt and model of each."""
    chunk = CHUNK.model_copy(update={"chunk_id": derive_id("chunk", number)})
    begin = datetime(2026, 1, 1, tzinfo=UTC)  # long before letters are set aside
    for minute, (purpose, prompt, model) in enumerate(calls):
        at = begin + timedelta(minutes=minute)
        await database.execute(CALL, chunk.key, purpose, prompt, model, at)
    return await office.died_of(chunk, number)


@pytest.fixture
async def letters(office: Office, fresh_database: Database) -> dict[str, UUID]:
    small, large = (DRAFT, "notes-1", "small"), (DRAFT, "notes-2", "large")
    judge = (JUDGE, "judge-1", "judge")
    repaired = (DRAFT + REPAIR_SUFFIX, "notes-1", "large")
    return {
        "small": await drafted(office, fresh_database, 1, small, judge),
        "large": await drafted(office, fresh_database, 2, small, large),
        "repaired": await drafted(office, fresh_database, 3, small, repaired),
        "none": await drafted(office, fresh_database, 4),
    }


async def find(office: Office, query: str) -> set[str]:
    status, page = await office.ask("GET", f"/v1/letters?{query}")
    assert status == 200, page
    return {one["letter_id"] for one in page["letters"]}


async def test_letters_are_of_the_model_and_prompt_that_drafted_last(
    office: Office, letters: dict[str, UUID]
) -> None:
    def ids(*names: str) -> set[str]:
        return {str(letters[name]) for name in names}

    assert await find(office, "model=small") == ids("small")
    assert await find(office, "model=large") == ids("large", "repaired")
    assert await find(office, "prompt=notes-1") == ids("small", "repaired")
    assert await find(office, "model=large&prompt=notes-1") == ids("repaired")
    _, shown = await office.ask("GET", f"/v1/letters/{letters['large']}")
    assert (shown["letter"]["model"], shown["letter"]["prompt_version"]) == ("large", "notes-2")
    # A version of the prompt that there is, and that no letter was drafted with.
    assert await find(office, f"prompt={CURRENT.version}") == set()


async def test_causes_plans_rehearsals_and_discards_are_narrowed_by_them(
    office: Office, letters: dict[str, UUID]
) -> None:
    (cause,) = (await office.ask("GET", "/v1/causes?model=large"))[1]["causes"]
    assert cause["letters"]["open"] == 2
    assert [one["letters"] for one in cause["studies"]] == [2]
    (cause,) = (await office.ask("GET", "/v1/causes"))[1]["causes"]
    assert cause["letters"]["open"] == len(letters)
    _, plan = await office.ask("POST", "/v1/plans", {"which": {"prompt": "notes-1"}})
    assert (plan["letters"], plan["which"]["prompt"]) == (2, "notes-1")
    _, rehearsal = await office.ask("POST", "/v1/rehearsals", {"model": "small"})
    assert rehearsal["letters"] == 1
    asked = {"model": "large", "reason": "a test"}
    _, result = await office.ask("POST", "/v1/letters/discard", asked)
    assert result["discarded"] == 2
    assert (await office.ask("GET", "/v1/causes?model=large"))[1]["causes"] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/letters?model=smal", None),
        ("GET", "/v1/causes?model=smal", None),
        ("GET", "/v1/letters/replayable?model=smal", None),
        ("POST", "/v1/plans", {"which": {"model": "smal"}}),
        ("POST", "/v1/rehearsals", {"model": "smal"}),
        ("POST", "/v1/letters/discard", {"model": "smal", "reason": "a test"}),
        ("POST", "/v1/letters/snooze", {"model": "smal", "snooze_until": None}),
        (
            "POST",
            "/v1/rules",
            {"name": "r", "filter": {"model": "smal"}, "quiet_s": 60, "rate_per_s": 1},
        ),
    ],
)
async def test_a_typo_is_an_error_that_says_what_there_is(
    office: Office, letters: dict[str, UUID], method: str, path: str, body: object
) -> None:
    status, problem = await office.ask(method, path, body)
    assert (status, "there are large, small" in problem["detail"]) == (400, True), problem
    if body is None:
        _, problem = await office.ask(method, path.replace("model=smal", "prompt=nots-1"))
        assert f"notes-1, notes-2, {CURRENT.version}" in problem["detail"]
    assert len(await find(office, "state=open")) == len(letters)


async def test_a_plan_of_named_letters_has_no_others(
    office: Office, letters: dict[str, UUID]
) -> None:
    named = [str(letters[name]) for name in ("small", "none")]
    body = {"which": {"letter_ids": named}, "overrides": {"prompt_version": "notes-2"}}
    _, plan = await office.ask("POST", "/v1/plans", body)
    _, page = await office.ask("GET", f"/v1/plans/{plan['plan_id']}/letters")
    assert {one["letter_id"] for one in page["letters"]} == set(named)
    unknown = {"which": {"letter_ids": [str(UUID(int=1))]}}
    assert (await office.ask("POST", "/v1/plans", unknown))[0] == 404
