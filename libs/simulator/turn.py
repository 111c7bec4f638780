"""One request that was admitted, with all that its reply is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from random import Random
from typing import Any

from contracts.notes import DraftNote
from simulator import answers, output_format, replies, streaming
from simulator.answers import Answer, Signature, Spent
from simulator.chat_request import ChatRequest
from simulator.faults import SPOILING, Fault, FaultRule
from simulator.models import Member
from simulator.output_format import Schema
from simulator.profiles import Drift
from simulator.prompt import Claim, Passage
from simulator.replies import Reply
from simulator.ruling import ruling_content
from simulator.seeded_random import digest, source
from simulator.spoiling import spoil
from simulator.streaming import Break, Stream

ANSWERED = "answered"

Notes = tuple[DraftNote, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One request.

    Attributes:
        request: as it came.
        member: the model that was asked.
        passage: what notes are asked of, if any are.
        notes: the good ones.
        spent: the prompt's tokens.
        seed: decides all that is left to chance.
        content: identifies what is asked.
        attempt: how often it was asked, from 1.
        claim: what is to be ruled on, if anything is.
        others: how many calls of the model are in flight besides.
    """

    request: ChatRequest
    member: Member
    passage: Passage | None
    notes: Notes
    spent: Spent
    seed: int
    content: str
    attempt: int
    others: int
    claim: Claim | None = None

    def reply(self, rule: FaultRule | None) -> Reply:
        """The reply, spoiled as the rule says if there is one."""
        wait = self._latency()
        if rule is None:
            return self._spoken(ANSWERED, self._answer(self._drifted()), wait)
        wait += rule.extra_delay
        match rule.fault:
            case Fault.HANG:
                return self._reply(rule.fault, hangs=True)
            case Fault.DISCONNECT if not self.request.stream:
                return self._reply(rule.fault, disconnects=True, wait=wait)
            case Fault.RATE_LIMIT:
                body, headers = replies.told_to_wait(rule)
                status = HTTPStatus.TOO_MANY_REQUESTS
                late = rule.extra_delay
                return self._reply(rule.fault, body, status=status, headers=headers, wait=late)
            case Fault.SERVER_ERROR:
                body = answers.error_body("The simulated server failed.", "server_error")
                return self._reply(rule.fault, body, status=rule.status, wait=wait)
        return self._spoken(rule.fault, self._faulty(rule.fault), wait, _break(rule))

    def _faulty(self, fault: Fault) -> Answer:
        chance = source(self.seed, "spoil", fault, self.content, self.attempt)
        notes = self._drifted()
        if fault in SPOILING and self.passage:
            return self._answer(spoil(notes, fault, self.passage, chance))
        good = self._answer(notes)
        match fault:
            case Fault.INVALID_JSON:
                return answers.garbled(good.content or "", chance)
            case Fault.CUT_OFF:
                return answers.cut_off(good.content or "")
            case Fault.REFUSAL:
                return Answer(None, refusal=answers.REFUSAL)
            case Fault.WRONG_RULING if self.claim:
                return self._worded(ruling_content(self.claim, wrong=True))
        return good

    def _drifted(self) -> Notes:
        """The notes as the model writes them these days."""
        drift, passage = self.member.drift, self.passage
        if drift is None or passage is None:
            return self.notes
        chance = source(self.seed, "drift", drift.at, self.content, self.attempt)
        return tuple(_worse(note, drift, passage, chance) for note in self.notes)

    def _answer(self, notes: Notes) -> Answer:
        if self.claim:
            return self._worded(ruling_content(self.claim))
        if not (self.passage or self.request.wants_json):
            return self._short(Answer(answers.CHATTER))
        content = answers.notes_content(notes)
        if self.member.behaviour.json_schema is Schema.IGNORED:
            content = output_format.loosened(content)
        return self._worded(content)

    def _worded(self, content: str) -> Answer:
        return self._short(Answer(output_format.wrapped(content, self.member.behaviour.wrapping)))

    def _short(self, answer: Answer) -> Answer:
        longest = self.member.behaviour.output_tokens
        return answer.within(self.request.token_limit).within(longest)

    def _spoken(
        self, outcome: str, answer: Answer, wait: float, breaks: Break | None = None
    ) -> Reply:
        said = answers.estimated_tokens(answer.content or answer.refusal or "")
        self.member.charge(said)
        turn = replace(self, spent=replace(self.spent, completion=said))
        return turn._told(outcome, answer, wait, breaks)  # noqa: SLF001 - of this very class

    def _told(self, outcome: str, answer: Answer, wait: float, breaks: Break | None) -> Reply:
        identity = digest(self.seed, self.content, self.attempt)
        signature = Signature(identity, self.request.model, self.member.fingerprint)
        parts = streaming.pieces(answer, self.member.behaviour.chunk_tokens)
        pauses = tuple(self._pauses(len(parts)))
        if self.request.stream:
            usage = self.spent if self.request.wants_usage else None
            events = tuple(streaming.events(answer, parts, signature, usage))
            waits = (*pauses, *[0.0] * (len(events) - len(pauses)))
            return self._reply(outcome, wait=wait, stream=Stream(events, waits, breaks))
        wait += sum(pauses) + ((breaks and breaks.pause) or 0.0)
        body = answers.completion(answer, signature, self.spent)
        stalls = breaks is not None and breaks.pause is None
        return self._reply(outcome, body, wait=wait, hangs=stalls)

    def _latency(self) -> float:
        drawn = self.member.behaviour.latency.draw(self._chance("latency"))
        return drawn * self._load()

    def _pauses(self, count: int) -> Iterator[float]:
        """The seconds before each piece of an answer; the first comes with the answer's begin."""
        yield 0.0
        latency, load = self.member.behaviour.between_chunks, self._load()
        chance = self._chance("between")
        for _ in range(count - 1):
            yield 0.0 if latency.is_nothing else latency.draw(chance) * load

    def _load(self) -> float:
        slowdown = self.member.behaviour.slowdown
        return slowdown.factor(self.others) if slowdown else 1.0

    def _chance(self, what: str) -> Random:
        return source(self.seed, what, self.content, self.attempt)

    def _reply(self, outcome: str, body: dict[str, Any] | None = None, **rest: Any) -> Reply:
        return Reply(
            outcome,
            body or {},
            member=self.member,
            attempt=self.attempt,
            notes=len(self.notes),
            spent=self.spent,
            **rest,
        )


def _break(rule: FaultRule) -> Break | None:
    match rule.fault:
        case Fault.STALL:
            return Break(pause=rule.delay)
        case Fault.DISCONNECT:
            return Break(disconnects=True)
    return None


def _worse(note: DraftNote, drift: Drift, passage: Passage, chance: Random) -> DraftNote:
    """A note, spoiled in one of the ways of a drift or in none."""
    draw = chance.random()
    for fault, share in drift.spoils.items():
        if draw < share:
            return spoil((note,), fault, passage, chance)[0]
        draw -= share
    return note
