"""Fact-checking models as the guardrail's judge: from settings, over HTTP, with the ledger."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import Response

from contracts.notes import Standing, VoucherKind
from database.pool import Database
from database.settings import PostgresSettings
from grounding import CheckedNote
from guardrail.app import build_judge_panel_opener
from guardrail.domain import assess_draft
from guardrail.policy import NOT_ENTAILED, NOT_JUDGED
from guardrail.settings import GuardrailSettings
from model_client.errors import ModelUnavailableError
from prompts.fact_checking import FORMATS
from support.doubts import BORNE_OUT, REFUSED, UNSUPPORTED, VERBATIM, draft_of
from support.scripted_endpoint import ScriptedEndpoint, events, piece
from support.simulator import simulated

DRAFT = draft_of(VERBATIM, BORNE_OUT, UNSUPPORTED, REFUSED)


async def review(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresSettings, url: str, name: str
) -> tuple[CheckedNote, ...]:
    """Have the draft reviewed by the judge that these settings open."""
    variables = {
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
        "OPENAI_BASE_URL": url,
        "OPENAI_API_KEY": "k",
        "ONRECORD_MODEL": "first",
        "GUARDRAIL_MODE": "light",
        "GUARDRAIL_JUDGE": "doubtful",
        "GUARDRAIL_JUDGE_MODEL": "second",
        "GUARDRAIL_JUDGE_FORMAT": name,
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    async with build_judge_panel_opener(GuardrailSettings())() as judge:
        assert judge is not None
        deadline = asyncio.get_running_loop().time() + 20
        return await judge(DRAFT, assess_draft(DRAFT), deadline=deadline)


@pytest.mark.parametrize("name", FORMATS)
async def test_a_fact_checking_model_confirms_and_refutes_notes_in_its_own_format(
    monkeypatch: pytest.MonkeyPatch,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    name: str,
) -> None:
    async with simulated({"seed": 7}) as model:
        verbatim, borne_out, unsupported, rescued = await review(
            monkeypatch, postgres_settings, model.url, name
        )
        assert await model.calls("second") == 5
    assert verbatim == assess_draft(DRAFT)[0]
    assert borne_out.standing is rescued.standing is Standing.CONFIRMED
    for one in (borne_out, rescued):
        (voucher,) = one.vouchers
        assert (voucher.kind, voucher.name) == (VoucherKind.JUDGE, "second")
    assert unsupported.standing is Standing.UNPROVEN
    assert [one.check for one in unsupported.flags] == [NOT_ENTAILED]
    booked = await fresh_database.fetch("SELECT purpose, prompt_version FROM llm_calls")
    version = FORMATS[name].version
    assert sorted(tuple(one.values()) for one in booked) == [
        *[("judge", version)] * 3,
        *[("judge-control", version)] * 2,
    ]


def is_control(body: dict[str, Any]) -> bool:
    return "The shop opens at" in json.dumps(body)


async def test_a_note_on_which_the_model_says_no_clear_word_is_not_confirmed(
    monkeypatch: pytest.MonkeyPatch, postgres_settings: PostgresSettings
) -> None:
    def respond(body: dict[str, Any], _: int) -> Response:
        control = "Yes" if "at four" in json.dumps(body) else "No"
        return events(piece(control if is_control(body) else "Well, yes and no.", "stop"))

    endpoint = ScriptedEndpoint(respond)
    async with endpoint.serve() as url:
        reviewed = await review(monkeypatch, postgres_settings, url, "granite-guardian-3")
    assert len(endpoint.requests) == 5
    assert [one.flags[0].check for one in reviewed[1:]] == [NOT_JUDGED] * 3
    assert tuple(replace(one, flags=()) for one in reviewed) == assess_draft(DRAFT)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        # As a Granite Guardian that was not told its risk: it finds no harm in any claim.
        ("granite-guardian-3", "No"),
        ("granite-guardian-3.3", "<score> no </score>"),
        ("bespoke-minicheck", "No"),
        ("bespoke-minicheck", "I would have to read more of it."),
    ],
)
async def test_a_model_that_fails_the_control_decides_about_no_note(
    monkeypatch: pytest.MonkeyPatch,
    postgres_settings: PostgresSettings,
    fresh_database: Database,
    name: str,
    reply: str,
) -> None:
    endpoint = ScriptedEndpoint(lambda *_: events(piece(reply, "stop")))
    async with endpoint.serve() as url:
        with pytest.raises(ModelUnavailableError, match=rf"control question: is {name} "):
            await review(monkeypatch, postgres_settings, url, name)
    assert all(is_control(one) for one in endpoint.requests)


async def test_a_control_is_not_answered_from_the_cache_as_the_endpoint_may_be_another(
    monkeypatch: pytest.MonkeyPatch, postgres_settings: PostgresSettings, fresh_database: Database
) -> None:
    name = "granite-guardian-3"
    async with simulated({"seed": 7}) as model:
        for calls in (5, 7):  # the notes' answers are cached
            await review(monkeypatch, postgres_settings, model.url, name)
            assert await model.calls("second") == calls
    endpoint = ScriptedEndpoint(lambda *_: events(piece("No", "stop")))
    async with endpoint.serve() as url:
        with pytest.raises(ModelUnavailableError):
            await review(monkeypatch, postgres_settings, url, name)
