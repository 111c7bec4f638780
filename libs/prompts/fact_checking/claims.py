"""Claims as a served fact-checking model is asked about them, and the verdicts it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from prompts.fencing import strip_control_tokens

_LABELS: Final = frozenset(
    (
        *("answer", "assistant", "claim", "context", "criteria", "document", "passage"),
        *("question", "reasoning", "score", "system", "user"),
    )
)
"""Labels of the formats' own; a speaker of that name could pass for a part of the prompt."""


class FactCheckVerdict(StrEnum):
    """Verdict of a fact-checking model on one claim: supported, not supported, no answer."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """Words of one speaker, quoted from the transcript as evidence for a fact check."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class TokenProbabilities:
    """Probabilities of the most likely tokens at one position of a model's answer.

    Attributes:
        chosen: the token that it wrote.
        by_token: probabilities from 0 to 1 of that token and the likeliest others.
    """

    chosen: str
    by_token: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RawFactCheckReply:
    """Unparsed reply of a fact-checking model: its text, and its tokens' probabilities if known."""

    text: str
    tokens: Sequence[TokenProbabilities] = ()


@dataclass(frozen=True, slots=True)
class FactCheckRuling:
    """Ruling of a fact-checking model on one claim: verdict, probability and reason.

    Attributes:
        verdict: what it says.
        probability: how probable it holds that the evidence supports the claim, from 0 to 1; None
            where the endpoint does not say.
        reason: the model's own words, empty if the format has none. They prove nothing.
    """

    verdict: FactCheckVerdict
    probability: float | None = None
    reason: str = ""


UNANSWERED: Final = FactCheckRuling(FactCheckVerdict.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class FactCheckRequest:
    """Request to a fact-checking model, as a chat completion.

    Attributes:
        messages: the conversation; roles may be of the model's own, such as ``context``.
        parameters: further fields of the body.
        max_output_tokens: longest answer; None for what is set for the model.
        schema: strict JSON schema of the answer; empty for a model that was trained on another
            form.
    """

    messages: tuple[Mapping[str, str], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    max_output_tokens: int | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)


def render_evidence(lines: Iterable[SpokenLine]) -> str:
    """Format evidence as a conversation, one line per turn: ``Name: words``."""
    return "\n".join(f"{_render_name(one.speaker)}: {render_claim(one.text)}" for one in lines)


def render_claim(claim: str) -> str:
    """Format a claim as one line, without the control tokens of language models."""
    return strip_control_tokens(claim)


def _render_name(speaker: str) -> str:
    name = strip_control_tokens(speaker)
    return f"Speaker “{name}”" if name.strip(" :").casefold() in _LABELS else name
