"""The judge with the real client, a simulated model over loopback, and the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from contracts.events import NotesDrafted, NotesValidated
from contracts.notes import CheckFailure, Standing, Voucher, VoucherKind
from contracts.study import PersonalData, StatementPolicy
from database.pool import Database
from database.settings import PostgresSettings
from grounding import CheckedNote
from guardrail.assessors import assess_in_thread
from guardrail.domain import assess_draft, build_result_events
from guardrail.handlers import validate_draft
from guardrail.judge import ONE_VOTE, JudgePanel, PanelOptions
from guardrail.judge_votes import VoteRule
from guardrail.policy import (
    JUDGES_DISAGREE,
    NOT_ENTAILED,
    NOT_JUDGED,
    OWN_WORDS,
    CheckPolicy,
    FailedCheckAction,
)
from judging.judges import build_judge
from messaging.delivery import Delivery, MessageOrigin
from model_client import ModelSettings
from model_client.cache.store import CacheSettings
from model_client.errors import BudgetExceededError, ModelUnavailableError
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

FAULTS: dict[str, dict[str, Any]] = {
    "hang": {"fault": "hang"},
    "error_500": {"fault": "server_error"},
}
HURRY = {"first_token_s": 0.5, "between_tokens_s": 0.5}
NO_POLICY = CheckPolicy()
IN_DOUBT = (BORNE_OUT, UNSUPPORTED, CONTRADICTED, REFUSED)


@asynccontextmanager
async def judging(
    model: Simulated,
    postgres: PostgresSettings,
    *,
    share: float = 1.0,
    budget_usd: Decimal | None = None,
    names: Sequence[str] = ("second",),
    rule: VoteRule = ONE_VOTE,
    policy: CheckPolicy = NO_POLICY,
    max_output_tokens: int = 500,
) -> AsyncIterator[JudgePanel]:
    """The judges as the guardrail's process opens them."""
    budgets = BudgetSettings(per_study_usd=budget_usd, wait_s=0.2)
    hurry = HURRY | {"max_output_tokens": max_output_tokens}
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(
                open_model_client(
                    model.settings(model=name, priced_as="gpt-4o-mini", **hurry),
                    postgres,
                    CacheSettings(),
                    budgets,
                    share=lambda: 1.0,
                )
            )
            for name in dict.fromkeys(names)
        ]
        asks = {name: names.count(name) for name in names}
        judges = [
            build_judge(client, None, attempt)
            for client, name in zip(clients, asks, strict=True)
            for attempt in range(1, asks[name] + 1)
        ]
        yield JudgePanel(judges, clients, PanelOptions(rule=rule, share=share, policy=policy))


@pytest.fixture
async def model() -> AsyncIterator[Simulated]:
    async with simulated({"seed": 7}) as one:
        yield one


async def review(judge: JudgePanel, drafted: NotesDrafted) -> tuple[CheckedNote, ...]:
    deadline = asyncio.get_running_loop().time() + 20
    return await judge(drafted, assess_draft(drafted), deadline=deadline)


async def calls(model: Simulated) -> int:
    return await model.calls("second")


async def rule(model: Simulated, **message: Any) -> None:
    await model.control("PUT", "rules", [message])


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def checks(checked: CheckedNote) -> list[str]:
    return [failure.check for failure in checked.failures]


def unjudged(reviewed: Sequence[CheckedNote]) -> tuple[CheckedNote, ...]:
    """Return notes as they were before, of which no judge gave a ruling that counts."""
    for one in reviewed:
        is_asked = one.standing is Standing.UNPROVEN
        assert [flag.check for flag in one.flags] == [NOT_JUDGED] * is_asked
    return tuple(replace(one, flags=()) for one in reviewed)


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
    assert reviewed.standing is Standing.CONFIRMED
    (voucher,) = reviewed.vouchers
    assert (voucher.kind, voucher.name) == (VoucherKind.JUDGE, "second")
    unproven = replace(reviewed, standing=Standing.UNPROVEN, vouchers=())
    assert (unproven,) == assess_draft(drafted)
    assert await calls(model) == 1


async def test_a_note_is_refused_when_the_judge_finds_that_it_is_contradicted(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with judging(model, postgres_settings) as judge:
        good, bad = await review(judge, draft_of(VERBATIM, CONTRADICTED))
    assert not good.failures
    (failure,) = bad.failures
    assert failure.check == NOT_ENTAILED
    assert failure.reason.startswith(
        "A second model found that the cited words say otherwise. second says: “"
    )
    assert (failure.claim, failure.evidence) == (CONTRADICTED.statement, bad.evidence[0].quote)


async def test_a_note_that_the_judge_does_not_find_borne_out_stays_unproven_and_says_so(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with judging(model, postgres_settings) as judge:
        _, doubted = await review(judge, draft_of(VERBATIM, UNSUPPORTED))
    assert not doubted.failures
    assert doubted.standing is Standing.UNPROVEN
    (flag,) = doubted.flags
    assert flag.check == NOT_ENTAILED
    assert flag.reason.startswith("A second model did not find that the cited words bear it out.")


@pytest.mark.parametrize("policy", [PersonalData.MASK, PersonalData.REJECT])
async def test_the_judges_words_on_a_study_that_hides_personal_data_are_not_shown(
    model: Simulated, postgres_settings: PostgresSettings, policy: PersonalData
) -> None:
    drafted = draft_of(
        note("They never pay Jane.Roe@example.com sixty pounds a month.", 7), BORNE_OUT
    )
    study = drafted.chunk.study.model_copy(update={"personal_data": policy})
    chunk = drafted.chunk.model_copy(update={"study": study})
    drafted = drafted.model_copy(update={"chunk": chunk})
    # What a judge wrote of what stands beside the evidence was searched by nobody.
    checked = [replace(one, failures=()) for one in assess_draft(drafted)]
    async with judging(model, postgres_settings) as judge:
        deadline = asyncio.get_running_loop().time() + 20
        refused, confirmed = await judge(drafted, checked, deadline=deadline)
    (failure,) = refused.failures
    assert (failure.check, failure.claim) == (NOT_ENTAILED, refused.statement)
    assert "says:" not in failure.reason
    assert "“" not in confirmed.vouchers[0].detail


async def test_a_rejected_paraphrase_that_the_judge_supports_passes_with_a_flag(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    async with judging(model, postgres_settings) as judge:
        (rescued,) = await review(judge, draft_of(REFUSED))
    assert not rescued.failures
    note_ = rescued.to_note()
    (flag,) = note_.flags
    assert flag.check == "modality_differs"
    assert (note_.standing, note_.vouchers[0].name) == (Standing.CONFIRMED, "second")
    assert flag.reason.endswith("second found it supported all the same.")


@pytest.mark.parametrize(
    "policy", [one for one in StatementPolicy if one is not StatementPolicy.QUOTES]
)
@pytest.mark.parametrize(
    ("number", "asked"),
    [
        (5, 1),
        (12, 3),  # an answer that is cut off at 500 tokens, and halves
        (20, 4),  # more than there are in one call
    ],
)
async def test_all_notes_that_nothing_vouches_for_are_judged_in_one_call(
    model: Simulated,
    postgres_settings: PostgresSettings,
    policy: StatementPolicy,
    number: int,
    asked: int,
) -> None:
    drafted = draft_of(
        VERBATIM, *(note(f"They pay sixty pounds, {n} say.", 4) for n in range(number))
    )
    study = drafted.chunk.study.model_copy(update={"statements": policy})
    chunk = drafted.chunk.model_copy(update={"study": study})
    drafted = drafted.model_copy(update={"chunk": chunk})
    checked = [replace(one, failures=()) for one in assess_draft(drafted)]
    async with judging(model, postgres_settings) as judge:
        deadline = asyncio.get_running_loop().time() + 20
        reviewed = await judge(drafted, checked, deadline=deadline)
    assert reviewed[0] == checked[0]
    assert all(one.flags for one in reviewed[1:])
    assert await calls(model) == asked


async def test_a_note_that_spoils_an_answer_does_not_cost_others_theirs(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    bad = note("They pay sixty pounds weekly.", 4)
    await rule(model, fault="refusal", match="weekly")
    async with judging(model, postgres_settings) as judge:
        one, spoiled, other, last = await review(
            judge, draft_of(BORNE_OUT, bad, REFUSED, CONTRADICTED)
        )
    assert one.standing is other.standing is Standing.CONFIRMED
    assert (spoiled.standing, spoiled.vouchers) == (Standing.UNPROVEN, ())
    assert checks(last) == [NOT_ENTAILED]


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        ("refusal", 7),  # all notes, halves and quarters
        ("cut_off", 7),
        ("invalid_json", 14),  # each is repaired once
    ],
)
async def test_a_judge_that_never_answers_is_asked_a_few_times_only(
    model: Simulated, postgres_settings: PostgresSettings, fault: str, most: int
) -> None:
    await rule(model, fault=fault)
    drafted = draft_of(*(note(f"They pay sixty pounds, {n} say.", 4) for n in range(16)))
    checked = [replace(one, failures=()) for one in assess_draft(drafted)]
    async with judging(model, postgres_settings) as judge:
        deadline = asyncio.get_running_loop().time() + 20
        reviewed = await judge(drafted, checked, deadline=deadline)
    assert unjudged(reviewed) == tuple(checked)
    assert 1 <= await calls(model) <= most


async def test_rulings_by_words_that_nobody_said_are_counted_and_change_nothing(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="made_up_words")
    drafted = draft_of(VERBATIM, BORNE_OUT, REFUSED, CONTRADICTED)
    before = count("onrecord_judge_unbelieved_total")
    async with judging(model, postgres_settings) as judge:
        assert unjudged(await review(judge, drafted)) == assess_draft(drafted)
    assert await calls(model) == 1
    assert count("onrecord_judge_unbelieved_total") == before + 3


async def test_votes_and_disagreements_are_counted(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await model.control("PUT", "rules", [{"fault": "wrong_ruling", "model": "third"}])

    def counts() -> list[float]:
        votes = "onrecord_judge_votes_total"
        return [
            count(votes, verdict="supported"),
            count(votes, verdict="not_supported"),
            count("onrecord_judge_disagreements_total"),
            count("onrecord_judge_unbelieved_total"),
        ]

    before = counts()
    names = ("second", "third")
    async with judging(model, postgres_settings, names=names, rule=VoteRule(2, 2)) as judge:
        await review(judge, draft_of(BORNE_OUT, VERBATIM))
    assert [after - one for after, one in zip(counts(), before, strict=True)] == [1, 1, 1, 0]


async def test_drafts_take_one_call_a_chunk_at_most_on_average(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafts = [
        draft_of(VERBATIM, index=1),  # nothing to ask
        *(
            draft_of(
                VERBATIM,
                *(note(f"They pay sixty pounds, {index} and {n} say.", 4) for n in range(notes)),
                index=index,
            )
            for index, notes in enumerate((4, 9, 16), start=2)
        ),
    ]
    async with judging(model, postgres_settings, max_output_tokens=4_000) as judge:
        for drafted in drafts:
            await review(judge, drafted)
    assert await calls(model) == 3


async def test_a_note_that_a_rule_vouches_for_is_not_judged(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(UNSUPPORTED)
    (checked,) = assess_draft(drafted)
    voucher = Voucher(kind=VoucherKind.RULE, name="one", detail="It is what was said.")
    proven = replace(checked, standing=Standing.PROVEN, vouchers=(voucher,))
    async with judging(model, postgres_settings) as judge:
        deadline = asyncio.get_running_loop().time() + 20
        assert await judge(drafted, [proven], deadline=deadline) == (proven,)
    assert await calls(model) == 0


async def test_a_judge_that_approves_everything_cannot_overrule_exact_checks(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="wrong_ruling")
    wrong = (
        FALSE,
        note("They pay six hundred pounds a month.", 4),
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
    assert len(rows) == 1
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
    assert await calls(model) == 1


async def test_a_sample_is_the_same_at_every_delivery_and_grows_with_the_share(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafts = [draft_of(UNSUPPORTED, index=index) for index in range(1, 101)]

    async def asked(share: float) -> set[int]:
        async with judging(model, postgres_settings, share=share) as judge:
            reviewed = [await review(judge, one) for one in drafts]
        return {at for at, (one,) in enumerate(reviewed) if one.flags}

    tenth, half = await asked(0.1), await asked(0.5)
    assert await asked(0.1) == tenth < half
    assert 3 <= len(tenth) <= 20
    assert 35 <= len(half) <= 65
    assert await asked(0.0) == set()
    assert await asked(1.0) == {*range(100)}
    assert await calls(model) == 1  # the words are the same: one answer serves all


@pytest.mark.parametrize("fault", ["invalid_json", "refusal", "cut_off"])
async def test_without_a_clear_verdict_a_note_stays_as_the_checks_left_it(
    model: Simulated, postgres_settings: PostgresSettings, fault: str
) -> None:
    await rule(model, fault=fault)
    drafted = draft_of(VERBATIM, BORNE_OUT, REFUSED)
    async with judging(model, postgres_settings) as judge:
        _, *others = reviewed = await review(judge, drafted)
    assert unjudged(reviewed) == assess_draft(drafted)
    for one in others:
        assert one.flags[0].reason.startswith("second ")


def answering(*claims: dict[str, Any]) -> str:
    """Return an answer about a single note."""
    one = {"claim": BORNE_OUT.statement, "reason": "So it is.", "segment": 4}
    one |= {"words": "We pay sixty pounds a month", "verdict": "supported"}
    return json.dumps({"rulings": [{"note": 1, "claims": [one | claim for claim in claims]}]})


@pytest.mark.parametrize(
    "wrote",
    [
        f"{answering({'verdict': 'not_supported'})}, not {answering({})}",
        answering({"reason": "half \ud800", "verdict": "not_supported"}),
        answering({"verdict": "SUPPORTED"}),
        answering({"words": "We pay sixty-one pounds a month"}),
        answering({"words": ""}),
        answering({"claim": "They pay."}),
        answering(),
        answering({"more": 1}),
        "supported",
        '{"rulings": []}',
    ],
)
async def test_an_answer_whose_ruling_does_not_count_changes_nothing(
    postgres_settings: PostgresSettings, wrote: str
) -> None:
    endpoint = ScriptedEndpoint(lambda _body, _number: events(piece(wrote), piece(finish="stop")))
    drafted = draft_of(VERBATIM, BORNE_OUT)
    async with endpoint.serve() as url:
        models = ModelSettings(
            base_url=url, api_key=SecretStr("k"), model="m", priced_as="gpt-4o-mini"
        )
        budgets = BudgetSettings(per_study_usd=None, wait_s=0.2)
        async with open_model_client(
            models, postgres_settings, CacheSettings(), budgets, share=lambda: 1.0
        ) as client:
            judge = JudgePanel([build_judge(client, None)], [client])
            reviewed = await review(judge, drafted)
    assert [one.standing for one in reviewed] == [Standing.VERBATIM, Standing.UNPROVEN]
    assert build_result_events(drafted, reviewed, CheckPolicy(), replays=0)[0].model_dump_json()


async def test_a_note_is_confirmed_only_if_enough_judges_agree(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await model.control("PUT", "rules", [{"fault": "wrong_ruling", "model": "third"}])
    three = ("second", "third", "fourth")
    for needed, standing in ((2, Standing.CONFIRMED), (3, Standing.UNPROVEN)):
        rule_ = VoteRule(votes=3, needed=needed)
        async with judging(model, postgres_settings, names=three, rule=rule_) as judge:
            (reviewed,) = await review(judge, draft_of(BORNE_OUT))
        assert (reviewed.standing, reviewed.failures) == (standing, ())
        flags = [JUDGES_DISAGREE] if standing is Standing.UNPROVEN else []
        assert [one.check for one in reviewed.flags] == flags
    async with judging(model, postgres_settings, names=three, rule=VoteRule(3, 2)) as judge:
        (reviewed,) = await review(judge, draft_of(BORNE_OUT))
    assert [one.name for one in reviewed.vouchers] == ["second", "fourth"]
    assert reviewed.vouchers[0].detail.endswith(
        "Of 3 votes 2 support it (second, fourth) and 1 does not find it borne out (third); 2 had "
        "to agree."
    )


async def test_one_model_may_be_asked_several_times_and_each_answer_is_a_vote_of_its_own(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    twice = VoteRule(votes=2, needed=2)
    names = ("second", "second")
    async with judging(model, postgres_settings, names=names, rule=twice) as judge:
        (reviewed,) = await review(judge, draft_of(BORNE_OUT))
        assert await calls(model) == 2
        assert (await review(judge, draft_of(BORNE_OUT))) == (reviewed,)
    assert await calls(model) == 2
    (voucher,) = reviewed.vouchers
    assert "answered that it does, 2 times, by the words “We pay sixty pounds" in voucher.detail


async def test_a_judge_that_is_late_leaves_notes_unproven_and_holds_nothing_up(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="hang", match="heating")
    drafted = draft_of(VERBATIM, *IN_DOUBT)
    async with judging(model, postgres_settings) as judge:
        reviewed = await review(judge, drafted)
        assert unjudged(reviewed) == assess_draft(drafted)
        assert reviewed[1].flags[0].reason == "second gave no answer in time."
        (event,) = build_result_events(drafted, reviewed, CheckPolicy(), replays=0)
        assert isinstance(event, NotesValidated)
        assert event.final


async def test_a_draft_does_not_wait_for_a_judge_beyond_its_deadline(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await rule(model, fault="hang", match="heating")
    drafted = draft_of(VERBATIM, *IN_DOUBT)
    async with judging(model, postgres_settings) as judge:
        deadline = asyncio.get_running_loop().time() + 0.7
        reviewed = await judge(drafted, assess_draft(drafted), deadline=deadline)
        assert asyncio.get_running_loop().time() < deadline
    assert unjudged(reviewed) == assess_draft(drafted)


@pytest.mark.parametrize(
    ("fault", "phrase"),
    [("hang", "gave no answer in time"), ("refusal", "refused to answer")],
)
async def test_a_judge_of_a_panel_that_fails_on_a_draft_is_absent(
    model: Simulated, postgres_settings: PostgresSettings, fault: str, phrase: str
) -> None:
    await model.control("PUT", "rules", [{"fault": fault, "model": "third"}])
    three = ("second", "third", "fourth")
    for needed, standing in ((2, Standing.CONFIRMED), (3, Standing.UNPROVEN)):
        rule_ = VoteRule(votes=3, needed=needed)
        async with judging(model, postgres_settings, names=three, rule=rule_) as judge:
            (reviewed,) = await review(judge, draft_of(BORNE_OUT))
        assert reviewed.standing is standing
        said = [one.detail for one in reviewed.vouchers] + [one.reason for one in reviewed.flags]
        assert said[0].endswith(
            "Of 3 votes 2 support it (second, fourth) and 1 is missing (third "
            f"{phrase}); {needed} had to agree."
        )


async def test_a_panel_goes_on_without_a_judge_that_is_away_if_the_others_can_decide(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await model.control("PUT", "outages", [{"kind": "disconnect", "model": "third"}])
    three = ("second", "third", "fourth")
    async with judging(model, postgres_settings, names=three, rule=VoteRule(3, 2)) as judge:
        (reviewed,) = await review(judge, draft_of(BORNE_OUT))
    assert reviewed.standing is Standing.CONFIRMED
    assert "1 is missing (third could not be reached); 2 had to" in reviewed.vouchers[0].detail
    async with judging(model, postgres_settings, names=three, rule=VoteRule(3, 3)) as judge:
        with pytest.raises(ModelUnavailableError):
            await review(judge, draft_of(BORNE_OUT))


async def test_a_note_on_which_judges_differ_says_how_many_said_what(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    await model.control("PUT", "rules", [{"fault": "wrong_ruling", "model": "third"}])
    both = ("second", "third")
    async with judging(model, postgres_settings, names=both, rule=VoteRule(2, 2)) as judge:
        borne_out, contradicted = await review(judge, draft_of(BORNE_OUT, CONTRADICTED))
    (flag,) = borne_out.flags
    assert flag.check == JUDGES_DISAGREE
    assert flag.reason == (
        "The judging models do not agree on it, so that none confirms it. Of 2 votes 1 supports it "
        "(second) and 1 does not find it borne out (third); 2 had to agree."
    )
    (flag,) = contradicted.flags
    assert "1 supports it (third) and 1 contradicts it (second)" in flag.reason
    three = ("second", "third", "fourth")
    async with judging(model, postgres_settings, names=three, rule=VoteRule(3, 2)) as judge:
        (refused,) = await review(judge, draft_of(CONTRADICTED))
    (failure,) = refused.failures
    assert "Of 3 votes 1 supports it (third) and 2 contradict it (second, fourth)" in failure.reason


@pytest.mark.parametrize("action", [FailedCheckAction.REJECT, FailedCheckAction.ASK_AGAIN])
@pytest.mark.parametrize("check", ["modality_differs", OWN_WORDS])
async def test_what_operators_set_to_be_refused_is_refused_whatever_a_judge_would_say(
    model: Simulated, postgres_settings: PostgresSettings, check: str, action: FailedCheckAction
) -> None:
    drafted = draft_of(VERBATIM, REFUSED if check != OWN_WORDS else BORNE_OUT)
    policy = CheckPolicy({check: action}, max_rejected_share=0.9)
    async with judging(model, postgres_settings, policy=policy) as judge:
        reviewed = await review(judge, drafted)
    assert await calls(model) == 0
    event = build_result_events(drafted, reviewed, policy, replays=9)[0]
    assert isinstance(event, NotesValidated)
    assert [one.standing for one in event.notes] == [Standing.VERBATIM]
    assert [one.failures[0].check for one in event.rejected] == [check]


async def test_nothing_is_asked_for_a_study_that_shows_no_statements(
    model: Simulated, postgres_settings: PostgresSettings
) -> None:
    drafted = draft_of(VERBATIM, *IN_DOUBT)
    study = drafted.chunk.study.model_copy(update={"statements": StatementPolicy.QUOTES})
    chunk = drafted.chunk.model_copy(update={"study": study})
    drafted = drafted.model_copy(update={"chunk": chunk})
    async with judging(model, postgres_settings) as judge:
        assert await review(judge, drafted) == assess_draft(drafted)
    assert await calls(model) == 0


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
    drafted = draft_of(VERBATIM, BORNE_OUT, UNSUPPORTED, REFUSED, CONTRADICTED)
    async with judging(model, postgres_settings) as judge:
        delivery = Delivery(MessageOrigin("notes-drafted", 0, 0))
        (event,) = await validate_draft(drafted, delivery, assess_in_thread, CheckPolicy(), judge)
    assert isinstance(event, NotesValidated)
    flags: dict[str, tuple[CheckFailure, ...]] = {one.statement: one.flags for one in event.notes}
    assert {*flags} == {one.statement for one in (VERBATIM, BORNE_OUT, UNSUPPORTED, REFUSED)}
    assert flags[VERBATIM.statement] == flags[BORNE_OUT.statement] == ()
    assert flags[UNSUPPORTED.statement][0].check == NOT_ENTAILED
    assert [one.check for one in flags[REFUSED.statement]] == ["modality_differs"]
    assert [one.draft for one in event.rejected] == [CONTRADICTED]
    standings = {one.statement: one.standing for one in event.notes}
    assert standings[UNSUPPORTED.statement] is Standing.UNPROVEN
    assert standings[BORNE_OUT.statement] is standings[REFUSED.statement] is Standing.CONFIRMED


async def test_without_a_judge_the_checks_decide(model: Simulated) -> None:
    drafted = draft_of(VERBATIM, UNSUPPORTED, REFUSED)
    delivery = Delivery(MessageOrigin("notes-drafted", 0, 0))
    (event,) = await validate_draft(drafted, delivery, assess_in_thread, CheckPolicy(), None)
    assert isinstance(event, NotesValidated)
    flags = {one.statement: [flag.check for flag in one.flags] for one in event.notes}
    assert {*flags} == {VERBATIM.statement, UNSUPPORTED.statement, REFUSED.statement}
    assert flags[REFUSED.statement] == ["modality_differs"]
    assert event.rejected == ()
    assert await calls(model) == 0
    assert drafted.chunk.segments == DOUBTED.segments
