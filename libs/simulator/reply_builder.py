"""Builder of the reply to one admitted request: text, faults, pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from random import Random
from typing import Any

from contracts.notes import DraftNote
from simulator import answers, output_format, replies, streaming
from simulator.answers import ModelOutput, ResponseMetadata, TokenUsage
from simulator.chat_request import ChatRequest
from simulator.claim_judge import is_supported, judge_notes
from simulator.fact_checks import FactCheck
from simulator.fault_injection import inject_note_fault
from simulator.faults import NOTE_FAULTS, FaultKind, FaultRule
from simulator.models import SimulatedModel
from simulator.output_format import SchemaSupportLevel
from simulator.paraphrasing import LabelledNote
from simulator.profiles import ModelDrift
from simulator.prompt import ParsedJudgingPrompt, PromptPassage
from simulator.replies import SimulatedReply
from simulator.seeded_random import compute_stable_digest, create_seeded_random
from simulator.streaming import EventStream, StreamInterruption

ANSWERED = "answered"

Notes = tuple[DraftNote, ...]


@dataclass(frozen=True, slots=True)
class ReplyBuilder:
    """Builder of a simulated model's replies to chat requests, including injected faults.

    Attributes:
        request: as it came.
        model: the model that was asked.
        passage: what notes are asked of, if any are.
        notes: the good ones.
        spent: the prompt's tokens.
        seed: decides all that is left to chance.
        content: identifies what is asked.
        attempt: how often it was asked, from 1.
        judging: the notes that are to be judged, if any are.
        others: how many calls of the model are in flight besides.
        labelled: the notes with their labels, if the model paraphrases.
        fact_check: the claim to be checked in a fact-checking model's format, if there is one.
    """

    request: ChatRequest
    model: SimulatedModel
    passage: PromptPassage | None
    notes: Notes
    spent: TokenUsage
    seed: int
    content: str
    attempt: int
    others: int
    judging: ParsedJudgingPrompt | None = None
    labelled: tuple[LabelledNote, ...] = ()
    fact_check: FactCheck | None = None

    def reply(self, rule: FaultRule | None) -> SimulatedReply:
        """Return the reply, with the rule's fault if there is one."""
        wait = self._latency()
        if rule is None:
            return self._spoken(ANSWERED, self._answer(self._drifted()), wait)
        wait += rule.extra_delay
        match rule.fault:
            case FaultKind.HANG:
                return self._reply(rule.fault, hangs=True)
            case FaultKind.DISCONNECT if not self.request.stream:
                return self._reply(rule.fault, disconnects=True, wait=wait)
            case FaultKind.RATE_LIMIT:
                body, headers = replies.build_injected_429_reply(rule)
                status = HTTPStatus.TOO_MANY_REQUESTS
                late = rule.extra_delay
                return self._reply(rule.fault, body, status=status, headers=headers, wait=late)
            case FaultKind.SERVER_ERROR:
                body = answers.build_error_body("The simulated server failed.", "server_error")
                return self._reply(rule.fault, body, status=rule.status, wait=wait)
        return self._spoken(rule.fault, self._faulty(rule.fault), wait, _break(rule))

    def _faulty(self, fault: FaultKind) -> ModelOutput:
        chance = create_seeded_random(self.seed, "spoil", fault, self.content, self.attempt)
        notes = self._drifted()
        if fault in NOTE_FAULTS and self.passage:
            return self._answer(inject_note_fault(notes, fault, self.passage, chance))
        good = self._answer(notes)
        match fault:
            case FaultKind.INVALID_JSON:
                return answers.garble_json(good.content or "", chance)
            case FaultKind.CUT_OFF:
                return answers.truncate_output(good.content or "")
            case FaultKind.REFUSAL:
                return ModelOutput(None, refusal=answers.REFUSAL)
            case FaultKind.WRONG_RULING | FaultKind.MADE_UP_WORDS:
                return self._rule(fault) or good
        return good

    def _drifted(self) -> Notes:
        """Return the notes as the model writes them at present."""
        drift, passage = self.model.drift, self.passage
        if drift is None or passage is None:
            return self.notes
        chance = create_seeded_random(self.seed, "drift", drift.at, self.content, self.attempt)
        return tuple(_worse(note, drift, passage, chance) for note in self.notes)

    def _answer(self, notes: Notes) -> ModelOutput:
        if ruling := self._rule():
            return ruling
        if not (self.passage or self.request.asks_for_json):
            return self._short(ModelOutput(answers.FALLBACK_TEXT))
        content = answers.format_notes(notes)
        if self.model.behaviour.json_schema is SchemaSupportLevel.IGNORED:
            content = output_format.add_unknown_keys(content)
        return self._worded(content)

    def _rule(self, fault: FaultKind | None = None) -> ModelOutput | None:
        """Return the rulings that are asked for, with a judge's fault if any; None if none are."""
        wrong = fault is FaultKind.WRONG_RULING
        if self.judging:
            made_up = fault is FaultKind.MADE_UP_WORDS
            return self._worded(judge_notes(self.judging, wrong=wrong, made_up=made_up))
        if self.fact_check is None:
            return None
        supported = is_supported(self.fact_check.claim) is not wrong
        return self._short(ModelOutput(self.fact_check.answer(supported=supported)))

    def _worded(self, content: str) -> ModelOutput:
        return self._short(
            ModelOutput(output_format.wrap_json(content, self.model.behaviour.wrapping))
        )

    def _short(self, answer: ModelOutput) -> ModelOutput:
        longest = self.model.behaviour.output_tokens
        return answer.truncated_to(self.request.token_limit).truncated_to(longest)

    def _spoken(
        self,
        outcome: str,
        answer: ModelOutput,
        wait: float,
        breaks: StreamInterruption | None = None,
    ) -> SimulatedReply:
        tokens = answers.estimate_tokens(answer.content or answer.refusal or "")
        self.model.charge(tokens)
        builder = replace(self, spent=replace(self.spent, completion=tokens))
        return builder._build(outcome, answer, wait, breaks)  # noqa: SLF001 - of this very class

    def _build(
        self, outcome: str, answer: ModelOutput, wait: float, breaks: StreamInterruption | None
    ) -> SimulatedReply:
        identity = compute_stable_digest(self.seed, self.content, self.attempt)
        signature = ResponseMetadata(identity, self.request.model, self.model.fingerprint)
        parts = streaming.split_into_token_chunks(answer, self.model.behaviour.chunk_tokens)
        pauses = tuple(self._pauses(len(parts)))
        if self.request.stream:
            usage = self.spent if self.request.asks_for_usage else None
            events = tuple(streaming.encode_stream_events(answer, parts, signature, usage))
            waits = (*pauses, *[0.0] * (len(events) - len(pauses)))
            return self._reply(outcome, wait=wait, stream=EventStream(events, waits, breaks))
        wait += sum(pauses) + ((breaks and breaks.pause) or 0.0)
        body = answers.build_completion(answer, signature, self.spent)
        stalls = breaks is not None and breaks.pause is None
        return self._reply(outcome, body, wait=wait, hangs=stalls)

    def _latency(self) -> float:
        drawn = self.model.behaviour.latency.sample(self._chance("latency"))
        return drawn * self._load()

    def _pauses(self, count: int) -> Iterator[float]:
        """Yield the seconds before each piece of an answer; the first comes with its begin."""
        yield 0.0
        latency, load = self.model.behaviour.between_chunks, self._load()
        chance = self._chance("between")
        for _ in range(count - 1):
            yield 0.0 if latency.is_zero else latency.sample(chance) * load

    def _load(self) -> float:
        slowdown = self.model.behaviour.slowdown
        return slowdown.factor(self.others) if slowdown else 1.0

    def _chance(self, what: str) -> Random:
        return create_seeded_random(self.seed, what, self.content, self.attempt)

    def _reply(
        self, outcome: str, body: dict[str, Any] | None = None, **rest: Any
    ) -> SimulatedReply:
        return SimulatedReply(
            outcome,
            body or {},
            model=self.model,
            attempt=self.attempt,
            notes=len(self.notes),
            labelled=self.labelled,
            spent=self.spent,
            **rest,
        )


def _break(rule: FaultRule) -> StreamInterruption | None:
    match rule.fault:
        case FaultKind.STALL:
            return StreamInterruption(pause=rule.delay)
        case FaultKind.DISCONNECT:
            return StreamInterruption(disconnects=True)
    return None


def _worse(note: DraftNote, drift: ModelDrift, passage: PromptPassage, chance: Random) -> DraftNote:
    """Return a note, spoiled in one of the ways of a drift or in none."""
    draw = chance.random()
    for fault, share in drift.spoils.items():
        if draw < share:
            return inject_note_fault((note,), fault, passage, chance)[0]
        draw -= share
    return note
