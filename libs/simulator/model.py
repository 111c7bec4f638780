"""The simulated model: decides from a request what to reply, when, and what goes wrong."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.notes import DraftNote
from simulator import answers
from simulator.answers import Answer
from simulator.chance import digest, source
from simulator.faults import SPOILING, Fault, FaultRule, RuleBook
from simulator.picker import pick_notes
from simulator.prompt import Passage, find_passage, full_text, user_text
from simulator.readings import Readings
from simulator.settings import SimulatorSettings
from simulator.spoiling import spoil

ANSWERED = "answered"
BAD_REQUEST = "bad_request"
TOO_LONG = "context_length_exceeded"

_REMEMBERED_CONTENTS = 100_000


class ChatRequest(BaseModel):
    """The part of a chat completion request the simulator looks at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(min_length=1)
    messages: list[Any] = Field(min_length=1)
    stream: bool | None = None
    response_format: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None

    @property
    def wants_json(self) -> bool:
        """Whether the answer has to be a JSON document."""
        kind = (self.response_format or {}).get("type")
        return kind in {"json_schema", "json_object"}

    @property
    def token_limit(self) -> int | None:
        """The most tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send and when; ``hangs`` means never."""

    outcome: str
    body: dict[str, Any] = field(default_factory=dict)
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    hangs: bool = False
    model: str = ""
    attempt: int = 0
    notes: int = 0


class SimulatedModel:
    """Replies to chat requests; the same seed, request and attempt always get the same reply."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._readings = Readings(self._read)
        self.obey(settings.rules)

    def close(self) -> None:
        """Stop reading prompts; to be called once nobody asks any more."""
        self._readings.close()

    def obey(self, rules: Sequence[FaultRule]) -> None:
        """Put other fault rules in force; attempts and firings are counted anew."""
        self.rules = RuleBook(rules, self._settings.seed)
        self._attempts: OrderedDict[str, int] = OrderedDict()

    async def reply(self, raw: bytes) -> Reply:
        """Decide on the reply to the body of a chat completion request."""
        try:
            request = ChatRequest.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return _bad_request(f"{where}: {first['msg']}" if where else first["msg"])
        if request.stream:
            return _bad_request("the simulator does not stream; leave `stream` out")
        length = len(full_text(request.messages))
        if length > self._settings.context_characters:
            return _too_long(request, length, self._settings.context_characters)
        return await self._decide(request)

    async def _decide(self, request: ChatRequest) -> Reply:
        settings = self._settings
        messages = json.dumps(request.messages, sort_keys=True)
        content = digest(request.model, messages)
        attempt = self._count(content)
        passage, notes = await self._readings.of(messages)
        said = user_text(request.messages)
        rule = self.rules.fire(said, content, attempt, notes=bool(notes))
        wait = settings.latency.draw(source(settings.seed, "latency", content, attempt))
        return _Turn(request, passage, notes, settings.seed, content, attempt).reply(rule, wait)

    def _read(self, messages: str) -> tuple[Passage | None, tuple[DraftNote, ...]]:
        """The passage in some messages, and the notes on it; may be called in a thread."""
        passage = find_passage(json.loads(messages))
        return passage, pick_notes(passage, self._settings.seed) if passage else ()

    def _count(self, content: str) -> int:
        """How often this content has now been asked for, as far back as memory goes."""
        attempt = self._attempts.pop(content, 0) + 1
        self._attempts[content] = attempt
        if len(self._attempts) > _REMEMBERED_CONTENTS:
            self._attempts.popitem(last=False)
        return attempt


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request with all that the reply is made of."""

    request: ChatRequest
    passage: Passage | None
    notes: tuple[DraftNote, ...]
    seed: int
    content: str
    attempt: int

    def reply(self, rule: FaultRule | None, wait: float) -> Reply:
        if rule is None:
            return self._spoken(ANSWERED, self._answer(self.notes), wait)
        wait += rule.extra_delay
        if rule.fault is Fault.HANG:
            return self._reply(rule.fault, {}, hangs=True)
        if rule.fault is Fault.RATE_LIMIT:
            return self._rate_limited(rule)
        if rule.fault is Fault.SERVER_ERROR:
            body = answers.error_body("The simulated server failed.", "server_error")
            return self._reply(rule.fault, body, status=rule.status, wait=wait)
        return self._spoken(rule.fault, self._faulty(rule.fault), wait)

    def _faulty(self, fault: Fault) -> Answer:
        chance = source(self.seed, "spoil", fault, self.content, self.attempt)
        if fault in SPOILING and self.passage:
            return self._answer(spoil(self.notes, fault, self.passage, chance))
        good = self._answer(self.notes)
        match fault:
            case Fault.INVALID_JSON:
                return answers.garbled(good.content or "", chance)
            case Fault.CUT_OFF:
                return answers.cut_off(good.content or "")
            case Fault.REFUSAL:
                return Answer(None, refusal=answers.REFUSAL)
        return good

    def _answer(self, notes: tuple[DraftNote, ...]) -> Answer:
        if self.passage or self.request.wants_json:
            answer = Answer(answers.notes_content(notes))
        else:
            answer = Answer(answers.CHATTER)
        return answer.within(self.request.token_limit)

    def _rate_limited(self, rule: FaultRule) -> Reply:
        """A 429 at once, with both headers the `openai` client knows."""
        headers = {
            "retry-after": str(math.ceil(rule.retry_after)),
            "retry-after-ms": str(round(rule.retry_after * 1000)),
        }
        body = answers.error_body(
            f"Rate limit reached. Please try again in {rule.retry_after:g}s.",
            "requests",
            "rate_limit_exceeded",
        )
        wait = rule.extra_delay
        status = HTTPStatus.TOO_MANY_REQUESTS
        return self._reply(rule.fault, body, status=status, headers=headers, wait=wait)

    def _spoken(self, outcome: str, answer: Answer, wait: float) -> Reply:
        request = self.request
        prompt = full_text(request.messages)
        identity = digest(self.seed, self.content, self.attempt)
        body = answers.completion(answer, request.model, prompt, self.seed, identity)
        return self._reply(outcome, body, wait=wait)

    def _reply(self, outcome: str, body: dict[str, Any], **rest: Any) -> Reply:
        return Reply(
            outcome,
            body,
            model=self.request.model,
            attempt=self.attempt,
            notes=len(self.notes),
            **rest,
        )


def _bad_request(message: str) -> Reply:
    body = answers.error_body(message, "invalid_request_error")
    return Reply(BAD_REQUEST, body, status=HTTPStatus.BAD_REQUEST)


def _too_long(request: ChatRequest, length: int, limit: int) -> Reply:
    """Refuse as OpenAI's endpoint does: it will never take this request."""
    body = answers.error_body(
        f"This model's maximum context length is {limit:,} characters; the messages have "
        f"{length:,}. Please reduce their length.",
        "invalid_request_error",
        TOO_LONG,
    )
    return Reply(TOO_LONG, body, status=HTTPStatus.BAD_REQUEST, model=request.model)
