"""The judge with the real client, a simulated model over loopback, and the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.events import NotesDrafted, NotesValidated
from contracts.notes import CheckFailure
from contracts.study import PersonalData
from database.pool import Database
from database.settings import PostgresSettings
from grounding import CheckedNote
from guardrail.assessors import assess_in_thread
from guardrail.domain import AssessmentOptions, assess_draft, build_result_events
from guardrail.handlers import validate_draft
from guardrail.judge import NoteJudge
from guardrail.policy import NOT_ENTAILED, CheckPolicy
from messaging.delivery import Delivery, MessageOrigin
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.errors import BudgetExceededError, ModelTimeoutError, ModelUnavailableError
from model_client.factory import open_model_client
from model_client.ledger.budgets import BudgetSettings
from prompts.judge import VERSION
from support.doubts import (
    BORNE_OUT,
    CONTRADICTED,
    DOUBTED,
    FALSE,
    REFUSED,
    UNSUPPORTED,
    VERBATIM,
    draft_of,
    note,
)
from support.scripted_endpoint import ScriptedEndpoint, events, piece
from support.simulator import Simulated, simulated
from support.waiting import until

HURRY = {"first_token_s": 0.5, "between_tokens_s": 0.5, "max_output_tokens": 500}
IN_DOUBT = (BORNE_OUT, UNSUPPORTED, CONTRADICTED, REFUSED)


@asynccontextmanager
async def judging(
    model: Simulated,
    postgres: PostgresSettings,
    *,
    share: float = 1.0,
    budget_usd: Decimal | None = None,
) -> AsyncIterator[NoteJudge]:
    """The judge as the guardrail's process opens it."""
    models = model.settings(model="second", priced_as="gpt-4o-mini", **HURRY)
    budgets = BudgetSettings(per_study_usd=budget_usd, wait_s=0.2)
    async with open_model_client(
        models, postgres, CacheSettings(), budgets, share=lambda: 1.0
    ) as client:
        yield NoteJudge(client, share=share)


@pytest.fixture
async def model() -> AsyncIterator[Simulated]:
    async with simulated({"seed": 7}) as one:
        yield one


async def review(judge: NoteJudge, drafted: NotesDrafted) -> tuple[CheckedNote, ...]:
    deadline = asyncio.get_running_loop().time() + 20
    return await judge(drafted, assess_draft(drafted), deadline=deadline)


async def calls(model: Simulated) -> int:
    return await model.calls("second")


async def rule(model: Simulated, **message: Any) -> None:
    await model.control("PUT", "rules", [message])


def checks(checked: CheckedNote) -> list[str]:
    return [failure.check for failure in checked.failures]


async def test_a_note_in_the_quotes_own_words_is_not_sent_to_the_judge(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(VERBATIM, FALSE)
    async with judging(model, postgres_settings) as judge:
        assert await review(judge, drafted) == assess_draft(drafted)
    assert await calls(model) == 0


async def test_a_paraphrase_passes_when_the_judge_supports_it(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(BORNE_OUT)
    async with judging(model, postgres_settings) as judge:
        (reviewed,) = await review(judge, drafted)
    assert reviewed.is_judged
    assert (replace(reviewed, is_judged=False),) == assess_draft(drafted)
    assert await calls(model) == 1


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        (UNSUPPORTED, "A second model found that the cited words do not bear it out."),
        (CONTRADICTED, "A second model found that the cited words say otherwise."),
    ],
)
async def test_a_note_that_passes_the_checks_is_rejected_when_the_judge_does_not_support_it(
    model: Simulated, postgres_settings: PostgresSettings, draft: Any, message: str
) -> None:
    async with judging(model, postgres_settings) as judge:
        good, bad = await review(judge, draft_of(VERBATIM, draft))
    assert not good.failures
    (failure,) = bad.failures
    assert failure.check == NOT_ENTAILED
    assert failure.reason.startswith(f"{message} It says: “")
    assert (failure.claim, failure.evidence) == (draft.statement, bad.evidence[0].quote)


async def test_the_judges_reason_for_a_masked_note_is_not_shown(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(note("They pay Jane.Roe@example.com sixty pounds a month for heating.", 7))
    async with judging(model, postgres_settings) as judge:
        checked = assess_draft(drafted, AssessmentOptions(personal_data=PersonalData.MASK))
        (refused,) = await judge(drafted, checked, deadline=asyncio.get_running_loop().time() + 20)
    (failure,) = refused.failures
    assert (failure.check, failure.claim) == (NOT_ENTAILED, refused.statement)
    assert "It says" not in failure.reason
    assert "Roe" not in failure.model_dump_json()
    assert "@" not in failure.evidence


async def test_a_rejected_paraphrase_that_the_judge_supports_passes_with_a_flag(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with judging(model, postgres_settings) as judge:
        (rescued,) = await review(judge, draft_of(REFUSED))
    assert not rescued.failures
    (flag,) = rescued.to_note().flags
    assert flag.check == "modality_differs"
    assert flag.reason.endswith("second found it supported all the same.")


async def test_a_paraphrase_that_checks_and_judge_reject_has_both_reasons(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="wrong_ruling")
    async with judging(model, postgres_settings) as judge:
        (refused,) = await review(judge, draft_of(REFUSED))
    assert checks(refused) == ["modality_differs", NOT_ENTAILED]
    assert refused.flags == ()


async def test_a_judge_that_approves_everything_cannot_overrule_exact_checks(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="wrong_ruling")
    wrong = (
        FALSE,
        note("They never pay sixty pounds a month.", 4),
        note("They pay sixty pounds a month to Harriet.", 4),
        note("They will move to the hospital in July.", 5),
    )
    drafted = draft_of(*wrong)
    async with judging(model, postgres_settings) as judge:
        after = await review(judge, drafted)
    assert after == assess_draft(drafted)
    assert all(one.failures for one in after)
    assert await calls(model) == 0


async def test_the_cost_is_attributed_to_the_judge_and_the_study(
    model: Simulated, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    drafted = draft_of(*IN_DOUBT, VERBATIM)
    async with judging(model, postgres_settings) as judge:
        await review(judge, drafted)
    rows = await fresh_database.fetch(
        "SELECT study_id, subject, purpose, prompt_version, cost_usd FROM llm_calls"
    )
    assert len(rows) == len(IN_DOUBT)
    account = {(one["study_id"], one["subject"], one["purpose"]) for one in rows}
    assert account == {("heating", str(drafted.chunk.chunk_id), "judge")}
    assert {one["prompt_version"] for one in rows} == {VERSION}
    assert all(one["cost_usd"] > 0 for one in rows)


async def test_a_redelivery_asks_nothing_anew_and_ends_the_same(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(*IN_DOUBT)
    async with judging(model, postgres_settings) as judge:
        first = await review(judge, drafted)
    async with judging(model, postgres_settings) as another:
        assert await review(another, drafted) == first
    assert await calls(model) == len(IN_DOUBT)


async def test_a_sample_is_the_same_at_every_delivery_and_grows_with_the_share(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafts = [draft_of(UNSUPPORTED, index=index) for index in range(1, 101)]

    async def asked(share: float) -> set[int]:
        async with judging(model, postgres_settings, share=share) as judge:
            reviewed = [await review(judge, one) for one in drafts]
        return {at for at, (one,) in enumerate(reviewed) if NOT_ENTAILED in checks(one)}

    tenth, half = await asked(0.1), await asked(0.5)
    assert await asked(0.1) == tenth < half
    assert 3 <= len(tenth) <= 20
    assert 35 <= len(half) <= 65
    assert await asked(0.0) == set()
    assert await asked(1.0) == {*range(100)}
    assert await calls(model) == 1  # the words are the same: one answer serves all


@pytest.mark.parametrize("fault", ["invalid_json", "refusal", "cut_off"])
async def test_no_uncertain_note_passes_without_a_clear_verdict(
    model: Simulated, postgres_settings: PostgresSettings, fault: str
) -> None:
    await rule(model, fault=fault)
    async with judging(model, postgres_settings) as judge:
        good, passing, refused = await review(judge, draft_of(VERBATIM, BORNE_OUT, REFUSED))
    assert not good.failures
    assert checks(passing) == [NOT_ENTAILED]
    assert "no answer that could be read" in passing.failures[0].reason
    assert checks(refused) == ["modality_differs", NOT_ENTAILED]


@pytest.mark.parametrize(
    "wrote",
    [
        '{"reason": "No.", "verdict": "not_supported"}, not {"reason": "", "verdict": "supported"}',
        '{"reason": "half \\ud800", "verdict": "not_supported"}',
        '{"reason": "nul \\u0000", "verdict": "supported"}',
        '{"reason": "sure", "verdict": "SUPPORTED"}',
        "supported",
    ],
)
async def test_an_answer_without_a_valid_verdict_lets_nothing_through(
    postgres_settings: PostgresSettings, wrote: str
) -> None:
    endpoint = ScriptedEndpoint(lambda _body, _number: events(piece(wrote), piece(finish="stop")))
    drafted = draft_of(VERBATIM, BORNE_OUT, REFUSED)
    async with endpoint.serve() as url:
        models = ModelSettings(
            base_url=url, api_key=SecretStr("k"), model="m", priced_as="gpt-4o-mini"
        )
        budgets = BudgetSettings(per_study_usd=None, wait_s=0.2)
        async with open_model_client(
            models, postgres_settings, CacheSettings(), budgets, share=lambda: 1.0
        ) as client:
            good, passing, refused = await review(NoteJudge(client, share=1.0), drafted)
    assert not good.failures
    assert checks(passing) == [NOT_ENTAILED]
    assert checks(refused) == ["modality_differs", NOT_ENTAILED]
    assert build_result_events(drafted, [good, passing, refused], CheckPolicy(), replays=0)[
        0
    ].model_dump_json()


async def test_a_judge_that_is_late_is_a_timeout_and_other_answers_are_kept(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="hang", match="heating")
    drafted = draft_of(*IN_DOUBT)
    async with judging(model, postgres_settings) as judge:
        with pytest.raises(ModelTimeoutError):
            await review(judge, drafted)
        before = await calls(model)
        await model.control("DELETE", "rules")
        await review(judge, drafted)
    assert await calls(model) == before + 1


async def test_a_judge_that_is_unavailable_is_an_outage_and_the_draft_waits(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(*IN_DOUBT)
    await model.control("PUT", "outages", [{"kind": "disconnect"}])
    async with judging(model, postgres_settings) as judge:
        with pytest.raises(ModelUnavailableError):
            await review(judge, drafted)
        await model.control("DELETE", "outages")

        async def served() -> bool:
            with suppress(ModelUnavailableError):
                return bool(await review(judge, drafted))
            return False

        await until(served)


async def test_a_draft_whose_study_has_no_budget_left_is_parked(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    tiny = Decimal("0.00000001")
    async with judging(model, postgres_settings, budget_usd=tiny) as judge:
        with pytest.raises(BudgetExceededError):
            await review(judge, draft_of(BORNE_OUT))
        assert await review(judge, draft_of(VERBATIM))
    assert await calls(model) == 0


async def test_the_stage_publishes_what_checks_and_judge_leave(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(VERBATIM, BORNE_OUT, UNSUPPORTED, REFUSED)
    async with judging(model, postgres_settings) as judge:
        delivery = Delivery(MessageOrigin("notes-drafted", 0, 0))
        (event,) = await validate_draft(drafted, delivery, assess_in_thread, CheckPolicy(), judge)
    assert isinstance(event, NotesValidated)
    flags: dict[str, tuple[CheckFailure, ...]] = {one.statement: one.flags for one in event.notes}
    assert {*flags} == {one.statement for one in (VERBATIM, BORNE_OUT, REFUSED)}
    assert [one for one in flags if flags[one]] == [REFUSED.statement]
    assert [one.draft for one in event.rejected] == [UNSUPPORTED]


async def test_without_a_judge_the_checks_decide(model: Simulated) -> None:
    drafted = draft_of(VERBATIM, UNSUPPORTED, REFUSED)
    delivery = Delivery(MessageOrigin("notes-drafted", 0, 0))
    (event,) = await validate_draft(drafted, delivery, assess_in_thread, CheckPolicy(), None)
    assert isinstance(event, NotesValidated)
    assert [one.statement for one in event.notes] == [VERBATIM.statement, UNSUPPORTED.statement]
    assert [one.draft for one in event.rejected] == [REFUSED]
    assert await calls(model) == 0
    assert drafted.chunk.segments == DOUBTED.segments
