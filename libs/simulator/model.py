"""The simulated models: decide from a request what to reply, when, and what goes wrong."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager

from pydantic import ValidationError

from contracts.notes import DraftNote
from simulator import answers, replies
from simulator.answers import Spent
from simulator.chat_request import ChatRequest
from simulator.faults import FaultRule, RuleBook
from simulator.models import Lineup, Member
from simulator.outages import Outage, Outages
from simulator.output_format import Schema
from simulator.picker import pick_notes
from simulator.prompt import Passage, find_claim, find_passage, full_text, user_text
from simulator.readings import Readings
from simulator.replies import Reply
from simulator.schedule import Clock
from simulator.seeded_random import digest
from simulator.settings import SimulatorSettings, first_fault
from simulator.turn import Turn

_REMEMBERED_CONTENTS = 100_000


class SimulatedModels:
    """Replies to chat requests; the same seed, request and attempt always get the same reply.

    Args:
        settings: what the models are like, and what goes wrong.
        clock: what limits, outages and dates go by.

    Attributes:
        lineup: the models.
        rules: the fault rules in force.
        outages: the outages planned.
    """

    def __init__(self, settings: SimulatorSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._readings = Readings(self._read)
        self.lineup = Lineup(settings, clock)
        self.obey(settings.rules)
        self.plan(settings.outages)

    def close(self) -> None:
        """Stop reading prompts; to be called once nobody asks any more."""
        self._readings.close()

    def obey(self, rules: Sequence[FaultRule]) -> None:
        """Put other fault rules in force; attempts and firings are counted anew."""
        self.rules = RuleBook(rules, self._settings.seed)
        self._attempts: OrderedDict[str, int] = OrderedDict()

    def plan(self, outages: Sequence[Outage]) -> None:
        """Plan other outages; their seconds are counted from now."""
        self.outages = Outages(outages, self._clock)

    @asynccontextmanager
    async def replying(self, raw: bytes) -> AsyncIterator[Reply]:
        """Decide on the reply to the body of a chat completion request.

        The request counts as in flight until the block ends.
        """
        with ExitStack() as stack:
            yield await self._reply(raw, stack)

    async def _reply(self, raw: bytes, stack: ExitStack) -> Reply:
        try:
            request = ChatRequest.model_validate_json(raw)
        except ValidationError as error:
            where, told = first_fault(error)
            return replies.bad_request(f"{where}: {told}" if where else told)
        member = self.lineup.find(request.model)
        if member is None:
            return replies.unknown_model(request.model)
        prompt = full_text(request.messages)
        if refused := self._refused(request, member, answers.estimated_tokens(prompt)):
            return refused
        return await self._decide(request, member, prompt, stack.enter_context(member.occupied()))

    def _refused(self, request: ChatRequest, member: Member, asked: int) -> Reply | None:
        """Why a model does not take a request, if it does not."""
        behaviour, most = member.behaviour, request.token_limit or 0
        if outage := self.outages.current(member.name):
            return replies.out_of_service(outage, member)
        if request.wants_schema and behaviour.json_schema is Schema.REFUSED:
            message = "`response_format` of type `json_schema` is not supported with this model."
            return replies.bad_request(message, member=member)
        context = behaviour.context_tokens or self._settings.context_tokens_by_default
        if asked + most > context:
            return replies.too_long(member, asked, most, context)
        excess = member.admit(asked, most or behaviour.output_tokens or 0)
        return replies.over_limit(member, excess) if excess else None

    async def _decide(
        self, request: ChatRequest, member: Member, prompt: str, others: int
    ) -> Reply:
        messages = json.dumps(request.messages, sort_keys=True)
        content = digest(request.model, messages)
        attempt = self._count(content)
        spent = Spent(answers.estimated_tokens(prompt), member.cached_tokens(prompt))
        passage, notes = await self._readings.of(messages)
        said = user_text(request.messages)
        rule = self.rules.fire(said, content, attempt, notes=bool(notes), model=member.name)
        seed = self._settings.seed
        claim = None if passage else find_claim(request.messages)
        turn = Turn(request, member, passage, notes, spent, seed, content, attempt, others, claim)
        return turn.reply(rule)

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
