"""Ask a second model, the judge, about notes on which the checks are uncertain.

The model only decides whether quotes support a claim. Its reason is shown beside a rejected note,
as its own words, and decides nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, Protocol

from pydantic import BaseModel

from contracts.events import NotesDrafted
from contracts.notes import CheckFailure
from grounding import CheckedNote
from grounding.text.words import truncate_text
from grounding.uncertainty import Uncertainty, classify_uncertainty
from guardrail.policy import NOT_ENTAILED
from model_client import ChatMessage, CostAttribution, ModelClient, ModelRequest
from model_client.errors import (
    SPLITTABLE_ERRORS,
    BadOutputError,
    PromptFilteredError,
    RefusalError,
)
from prompts import judge as judge_prompt
from prompts.fencing import encode_safe_json

PURPOSE: Final = "judge"
"""What the ledger books these calls under."""

_UNANSWERED: Final = (
    BadOutputError,
    RefusalError,
    PromptFilteredError,
    *SPLITTABLE_ERRORS,
)
_MAX_REASON_CHARACTERS: Final = 300
"""Characters kept of a judging model's reason."""

_WHOLE: Final = 2**32


class JudgeVerdict(StrEnum):
    """Verdict that the judging model may give on a note."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not_supported"


class JudgeAnswer(BaseModel):
    """Answer of the judging model, validated against the schema that was asked for."""

    reason: str
    verdict: JudgeVerdict


class NoteReviewer(Protocol):
    """Interface of what reviews the notes that the checks are uncertain about."""

    async def __call__(
        self, drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Return the notes in the same order."""
        ...


ANSWER_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": [one.value for one in JudgeVerdict]},
    },
    "required": ["reason", "verdict"],
    "additionalProperties": False,
}
"""The strict JSON schema of an answer; the reason comes first, so that it is thought of first."""


def build_judge_request(checked: CheckedNote) -> ModelRequest[JudgeAnswer]:
    """Return the model request that asks the judge about one note."""
    quotes = [
        {"speaker": one.speaker, "role": one.role.value, "text": one.quote}
        for one in checked.evidence
    ]
    messages: list[ChatMessage] = [
        {"role": "system", "content": judge_prompt.load_judge_instructions()},
        {
            "role": "user",
            "content": encode_safe_json({"claim": checked.draft.statement, "quotes": quotes}),
        },
    ]
    return ModelRequest(
        messages=messages,
        schema=ANSWER_SCHEMA,
        response_model=JudgeAnswer,
        prompt_version=judge_prompt.VERSION,
        # One of several may be what a quote says, and no word of the judge's.
        requires_single_object=True,
    )


class NoteJudge:
    """Judge that asks a second model about the notes that the checks are uncertain about.

    Args:
        client: calls the judging model.
        share: of the notes in doubt, how many are asked about, from 0 to 1; the others stay as the
            checks left them. The same note is always asked about, or never.
    """

    def __init__(self, client: ModelClient, *, share: float) -> None:
        self._client = client
        self._share = share

    @property
    def notice(self) -> str:
        """The reason why the judging model cannot be asked now; empty if it can."""
        return self._client.notice

    async def check_dependencies(self) -> None:
        """Check that what asking the judging model needs is there.

        Raises:
            DatabaseUnavailableError: there may be a budget, and it cannot be asked.
        """
        await self._client.check_dependencies()

    async def __call__(
        self, drafted: NotesDrafted, checked: Sequence[CheckedNote], *, deadline: float
    ) -> tuple[CheckedNote, ...]:
        """Ask about each note in doubt; all at once, as far as the client lets them.

        A note is let through only on a clear word: an answer that cannot be read counts as none.

        Args:
            drafted: the draft the notes are of.
            checked: its notes, checked, in order.
            deadline: when all calls must have ended, by the event loop's clock, in seconds.

        Raises:
            model_client.errors: what keeps the model from answering at all.
        """
        attribution = CostAttribution(drafted.chunk.study.study_id, drafted.chunk.key, PURPOSE)
        reviews = (self._review(one, attribution, deadline) for one in checked)
        # All are waited for whatever becomes of one: an answer that is paid for is kept.
        results = await asyncio.gather(*reviews, return_exceptions=True)
        return tuple(_get_result(one) for one in results)

    async def _review(
        self, checked: CheckedNote, attribution: CostAttribution, deadline: float
    ) -> CheckedNote:
        doubt = classify_uncertainty(checked)
        if doubt is None or not self._is_sampled(checked):
            return checked
        try:
            answer = await self._client.ask(
                build_judge_request(checked), attribution, deadline=deadline
            )
        except _UNANSWERED:
            return _reject_note(checked, "The second model gave no answer that could be read.")
        ruling = answer.value
        if ruling.verdict is not JudgeVerdict.SUPPORTED:
            return _reject_note(checked, _REASONS[ruling.verdict], ruling.reason)
        if doubt is Uncertainty.MAYBE_FALSE:
            return replace(checked, is_judged=True)
        flags = _build_flags(checked, answer.model)
        return replace(checked, failures=(), flags=flags, is_judged=True)

    def _is_sampled(self, checked: CheckedNote) -> bool:
        identity = f"{checked.chunk_id}\x1f{checked.draft.statement}".encode()
        drawn = int.from_bytes(hashlib.sha256(identity).digest()[:4])
        return drawn < self._share * _WHOLE


_REASONS: Final = {
    JudgeVerdict.CONTRADICTED: "A second model found that the cited words say otherwise.",
    JudgeVerdict.NOT_SUPPORTED: "A second model found that the cited words do not bear it out.",
}


def _reject_note(checked: CheckedNote, reason: str, said: str = "") -> CheckedNote:
    """Add the judge's failed check to a note, with its reason unless the note is masked."""
    quotes = [one.masked_quote or one.quote for one in checked.evidence]
    # The judge's words are the one part that was never searched for personal data.
    is_masked = any(one.masked_quote is not None for one in checked.evidence)
    said = "" if is_masked else truncate_text(" ".join(said.split()), _MAX_REASON_CHARACTERS)
    failure = CheckFailure(
        check=NOT_ENTAILED,
        reason=f"{reason} It says: “{said}”" if said else reason,
        claim=truncate_text(checked.statement),
        evidence=truncate_text(" … ".join(quotes)),
    )
    return replace(checked, failures=(*checked.failures, failure))


def _build_flags(checked: CheckedNote, model: str) -> tuple[CheckFailure, ...]:
    """Return the failed checks as flags that name the model that let the note pass."""
    return tuple(
        one.model_copy(update={"reason": f"{one.reason} {model} found it supported all the same."})
        for one in checked.failures
    )


def _get_result(one: CheckedNote | BaseException) -> CheckedNote:
    if isinstance(one, BaseException):
        raise one
    return one
