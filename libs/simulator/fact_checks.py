"""Simulated fact-checking models: a claim in one of their prompt formats, and their word on it.

The formats are those of `prompts.fact_checking`, read here as such a model's server would get them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.chat_request import ChatRequest
from simulator.prompt import PromptClaim, PromptQuote, join_user_text

_MINICHECK: Final = re.compile(r"Document: (?P<evidence>.*)\nClaim: (?P<claim>.*)", re.DOTALL)
_YES_NO: Final = re.compile(
    r"Passage:\n(?P<evidence>.*)\n\nClaim: (?P<claim>.*)\n\nIs the claim supported\?", re.DOTALL
)
_LYNX: Final = re.compile(
    r".*\n--\nDOCUMENT:\n(?P<evidence>.*)\n\n--\nANSWER:\n(?P<claim>.*)\n\n--\n.*\"SCORE\".*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Wording:
    """Answers of a fact-checking model."""

    supported: str
    not_supported: str


_YES: Final = _Wording("Yes", "No")
_ANSWER: Final = _Wording('{"answer": "yes"}', '{"answer": "no"}')
_RISK: Final = _Wording("No", "Yes")
_SCORE_TAG: Final = _Wording("<score> no </score>", "<score> yes </score>")
_NO_HARM: Final = _Wording("No", "No")
_JSON: Final = _Wording(
    '{"REASONING": ["Its words decide."], "SCORE": "PASS"}',
    '{"REASONING": ["Its words decide."], "SCORE": "FAIL"}',
)


@dataclass(frozen=True, slots=True)
class FactCheck:
    """Claim to check, as parsed from a request, with the replies of the imitated model.

    Attributes:
        claim: the claim, with its evidence as quotes.
        wording: the model's answers.
    """

    claim: PromptClaim
    wording: _Wording

    def answer(self, *, supported: bool) -> str:
        """Return the model's answer, given whether the claim is supported."""
        return self.wording.supported if supported else self.wording.not_supported


def parse_fact_check(request: ChatRequest) -> FactCheck | None:
    """Parse the claim from a request to a fact-checking model; None for other requests."""
    text = join_user_text(request.messages)
    for pattern, wording in ((_MINICHECK, _YES), (_YES_NO, _ANSWER), (_LYNX, _JSON)):
        if found := pattern.fullmatch(text.strip()):
            return FactCheck(_build_claim(found["claim"], found["evidence"]), wording)
    return _parse_guardian(request)


def _parse_guardian(request: ChatRequest) -> FactCheck | None:
    """Parse Granite Guardian's format: its chat template words the risk that it is configured for.

    Without a configuration it looks for harm, and finds none in any evidence: then the answer is
    no, whatever is claimed, as with the real template.
    """
    said = {one.get("role"): one.get("content") for one in request.messages if _is_message(one)}
    documents = [one.get("text") for one in request.documents if isinstance(one, Mapping)]
    evidence = said.get("context") or "\n".join(one for one in documents if isinstance(one, str))
    claim = said.get("assistant")
    if not isinstance(claim, str) or not isinstance(evidence, str) or not evidence:
        return None
    if join_user_text(request.messages).startswith("<guardian>"):
        return FactCheck(_build_claim(claim, evidence), _SCORE_TAG)
    config = request.chat_template_kwargs.get("guardian_config")
    config = config if isinstance(config, Mapping) else {}
    if config.get("criteria_id") == "groundedness":
        return FactCheck(_build_claim(claim, evidence), _SCORE_TAG)
    is_configured = config.get("risk_name") == "groundedness"
    return FactCheck(_build_claim(claim, evidence), _RISK if is_configured else _NO_HARM)


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("role"), str)


def _build_claim(claim: str, evidence: str) -> PromptClaim:
    turns = (line.partition(": ") for line in evidence.splitlines())
    quotes = tuple(PromptQuote(speaker=name, text=words or name) for name, _, words in turns)
    return PromptClaim(claim=claim, quotes=quotes)
