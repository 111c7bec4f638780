"""Service that decides what the simulated models reply to a request, when, and what goes wrong."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

from pydantic import ValidationError

from contracts.notes import DraftNote
from simulator import answers, replies
from simulator.answers import TokenUsage
from simulator.chat_request import ChatRequest
from simulator.fact_checks import parse_fact_check
from simulator.faults import FaultRule, FaultRuleSet
from simulator.models import ModelRegistry, SimulatedModel
from simulator.outages import Outage, OutageSchedule
from simulator.output_format import SchemaSupportLevel
from simulator.paraphrasing import LabelledNote, ParaphrasingRates, write_labelled_notes
from simulator.picker import draft_notes_from_noteworthy_sentences
from simulator.prompt import (
    PromptPassage,
    join_all_text,
    join_instructions,
    join_user_text,
    parse_judging_prompt,
    parse_notes_prompt,
)
from simulator.prompt_reader import CachingPromptParser
from simulator.replies import SimulatedReply
from simulator.reply_builder import ReplyBuilder
from simulator.schedule import SimulatorClock
from simulator.seeded_random import compute_stable_digest
from simulator.settings import SimulatorSettings, locate_first_error

_REMEMBERED_CONTENTS = 100_000


class ChatService:
    """Service that answers chat completion requests with seeded, repeatable replies.

    Args:
        settings: what the models are like, and what goes wrong.
        clock: what limits, outages and dates go by.

    Attributes:
        lineup: the models.
        rules: the fault rules in force.
        outages: the outages planned.
    """

    def __init__(self, settings: SimulatorSettings, clock: SimulatorClock) -> None:
        self._settings = settings
        self._clock = clock
        self._reader = CachingPromptParser(self._read)
        self._paraphraser = CachingPromptParser(self._paraphrase)
        self.registry = ModelRegistry(settings, clock)
        self.set_rules(settings.rules)
        self.set_outages(settings.outages)

    def close(self) -> None:
        """Stop reading prompts; to be called after the last request."""
        self._reader.close()
        self._paraphraser.close()

    def set_rules(self, rules: Sequence[FaultRule]) -> None:
        """Replace the fault rules; attempts and firings are counted anew."""
        self.rules = FaultRuleSet(rules, self._settings.seed)
        self._attempts: OrderedDict[str, int] = OrderedDict()

    def set_outages(self, outages: Sequence[Outage]) -> None:
        """Replace the planned outages; their seconds are counted from now."""
        self.outages = OutageSchedule(outages, self._clock)

    @asynccontextmanager
    async def reply_to(self, raw: bytes) -> AsyncIterator[SimulatedReply]:
        """Yield the reply to the body of a chat completion request.

        The request counts as in flight until the block ends.
        """
        with ExitStack() as stack:
            yield await self._reply(raw, stack)

    async def _reply(self, raw: bytes, stack: ExitStack) -> SimulatedReply:
        try:
            request = ChatRequest.model_validate_json(raw)
        except ValidationError as error:
            where, message = locate_first_error(error)
            return replies.build_bad_request_reply(f"{where}: {message}" if where else message)
        model = self.registry.find(request.model)
        if model is None:
            return replies.build_unknown_model_reply(request.model)
        prompt = join_all_text(request.messages)
        if refused := self._refused(request, model, answers.estimate_tokens(prompt)):
            return refused
        return await self._decide(
            request, model, prompt, stack.enter_context(model.track_in_flight())
        )

    def _refused(
        self, request: ChatRequest, model: SimulatedModel, asked: int
    ) -> SimulatedReply | None:
        """Return the error reply of a model that does not take a request; else None."""
        behaviour, most = model.behaviour, request.token_limit or 0
        if outage := self.outages.current(model.name):
            return replies.build_outage_reply(outage, model)
        if request.asks_for_schema and behaviour.json_schema is SchemaSupportLevel.REFUSED:
            message = "`response_format` of type `json_schema` is not supported with this model."
            return replies.build_bad_request_reply(message, model=model)
        context = behaviour.context_tokens or self._settings.context_tokens_by_default
        if asked + most > context:
            return replies.build_context_length_reply(model, asked, most, context)
        excess = model.admit(asked, most or behaviour.output_tokens or 0)
        return replies.build_rate_limited_reply(model, excess) if excess else None

    async def _decide(
        self, request: ChatRequest, model: SimulatedModel, prompt: str, others: int
    ) -> SimulatedReply:
        messages = json.dumps(request.messages, sort_keys=True)
        beside = json.dumps([request.documents, request.chat_template_kwargs], sort_keys=True)
        asked = (request.model, messages, *([beside] if request.documents else []))
        content = compute_stable_digest(*asked)
        attempt = self._count(content)
        spent = TokenUsage(answers.estimate_tokens(prompt), model.cached_tokens(prompt))
        judging = parse_judging_prompt(request.messages)
        passage, notes = (None, ()) if judging else await self._reader.read(messages)
        labelled: tuple[LabelledNote, ...] = ()
        if passage and (rates := model.behaviour.paraphrasing):
            labelled = await self._paraphraser.read(f"{rates.model_dump_json()}\n{messages}")
            notes = tuple(one.note for one in labelled)
        user_text = join_user_text(request.messages)
        rule = self.rules.fire(
            user_text,
            content,
            attempt,
            notes=bool(notes),
            model=model.name,
            instructions=join_instructions(request.messages),
        )
        seed = self._settings.seed
        builder = ReplyBuilder(
            request, model, passage, notes, spent, seed, content, attempt, others, judging, labelled
        )
        if passage is None and judging is None:
            builder = replace(builder, fact_check=parse_fact_check(request))
        return builder.reply(rule)

    def _read(self, messages: str) -> tuple[PromptPassage | None, tuple[DraftNote, ...]]:
        """Return the passage in some messages, and the notes on it; may run in a thread."""
        passage = parse_notes_prompt(json.loads(messages))
        return passage, draft_notes_from_noteworthy_sentences(
            passage, self._settings.seed
        ) if passage else ()

    def _paraphrase(self, asked: str) -> tuple[LabelledNote, ...]:
        """Return the labelled notes on the passage in some messages, which rates stand before."""
        rates, messages = asked.split("\n", 1)
        passage = parse_notes_prompt(json.loads(messages))
        if passage is None:
            return ()
        chosen = ParaphrasingRates.model_validate_json(rates)
        return write_labelled_notes(passage, chosen, self._settings.seed)

    def _count(self, content: str) -> int:
        """Return how often this content has now been asked for, as far as it is remembered."""
        attempt = self._attempts.pop(content, 0) + 1
        self._attempts[content] = attempt
        if len(self._attempts) > _REMEMBERED_CONTENTS:
            self._attempts.popitem(last=False)
        return attempt
