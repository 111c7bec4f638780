"""What becomes of a chunk for each fault of the simulator; writes the table in the docs.

Enrichment and guardrail run as they do in production, on a broker, against the simulator. Other
chunks are answered well all the while: what befalls one is not to be taken for an outage.
``UPDATE_GOLDEN=1`` writes the rows anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer

from contracts import headers as h
from contracts.events import ChunkReady
from contracts.ids import derive_chunk_id
from contracts.topics import (
    CHUNKS_READY,
    ENRICHMENT,
    GUARDRAIL,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    Topic,
    build_dlq_topic,
    build_retry_topic,
)
from contracts.transcript import Role, Segment
from enrichment import handlers as enrichment
from enrichment.drafter import NoteDrafter
from enrichment.settings import EnrichmentSettings
from guardrail import handlers as guardrail
from guardrail.assessors import assess_in_thread
from guardrail.policy import CheckPolicy
from guardrail.settings import GuardrailSettings
from integration.model_client import outcomes
from integration.model_client.outcomes import CASES, MARK, Case
from messaging import Publisher
from model_client import CostAttribution, ModelClient, ModelRequest, ParsedResponse
from simulator.faults import FaultKind
from support.broker import Bench, bench_on
from support.chunks import INTERVIEW, STUDY
from support.simulator import simulated
from support.waiting import until

DOCUMENT: Final = Path(__file__).resolve().parents[3] / "docs" / "model-calls.md"
BEGIN: Final = "<!-- rows: tests/integration/model_client/outcomes.py -->"
END: Final = "<!-- end of rows -->"
HEAD: Final = ("| the model … | first delivery | the chunk ends as |", "|---|---|---|")

TOPICS: Final[tuple[Topic, ...]] = (
    CHUNKS_READY,
    NOTES_DRAFTED,
    NOTES_REJECTED,
    NOTES_VALIDATED,
    *(build_retry_topic(one, tier) for one in (ENRICHMENT, GUARDRAIL) for tier in range(4)),
    build_dlq_topic(ENRICHMENT),
    build_dlq_topic(GUARDRAIL),
)
LETTERS: Final = tuple(build_dlq_topic(one).name for one in (ENRICHMENT, GUARDRAIL))
WAITING: Final = build_retry_topic(ENRICHMENT, 1).name

PATIENCE: Final = {
    "timeout_s": 3.0,
    "first_token_s": 0.6,
    "between_tokens_s": 0.5,
    "rate_wait_ceiling_s": 5.0,
    "max_output_tokens": 1_000,
}
HURRY: Final[dict[str, Any]] = {
    "retry_delays_s": (0.2,),
    "commit_interval_s": 0.1,
    "outage_pause_s": 0.1,
    "outage_pause_max_s": 0.3,
    "stop_window": 500,
    "drain_grace_s": 0.0,
}
EVERY_S: Final = 0.1
"""How often another chunk comes along, in seconds."""


def chunk(number: int, mark: str = "") -> ChunkReady:
    """A chunk with numbers, negations and an interviewer's question, unlike all others."""
    spoken = (
        (Role.INTERVIEWER, "What do you pay for heating, and do you trust the installer?"),
        (
            Role.PARTICIPANT,
            f"We pay {60 + number} pounds a month for heating. I would not recommend it.",
        ),
        (
            Role.PARTICIPANT,
            f"I never trusted the installer, because he came {2 + number} times. {mark}".strip(),
        ),
    )
    segments = tuple(
        Segment(number=place, speaker=role.value.title(), role=role, text=text)
        for place, (role, text) in enumerate(spoken, start=4)
    )
    return ChunkReady(
        chunk_id=derive_chunk_id(INTERVIEW, 1, "0" * 64, number + 1),
        transcript_id=INTERVIEW,
        revision=1,
        index=number + 1,
        chunk_count=1_000,
        title="Interview 1",
        study=STUDY,
        segments=segments,
    )


MARKED: Final = chunk(0, f"He stood there with a {MARK}.")


@dataclass
class Asked:
    """What the client did about the marked chunk."""

    calls: int = 0
    ends: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """The first delivery in words."""
        if "`llm_unavailable`" in self.ends:
            return "`llm_unavailable`, after a call or more"
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return f"{calls}: {self.ends[0]}"


class Watched(ModelClient):
    """Model client that records what it did about the marked chunk."""

    asked: Asked

    async def ask(
        self, request: ModelRequest[Any], attribution: CostAttribution, **more: Any
    ) -> ParsedResponse[Any]:
        if MARK not in str(request.messages):
            return await super().ask(request, attribution, **more)
        try:
            answer = await super().ask(request, attribution, **more)
        except Exception as error:
            self.asked.ends.append(f"`{getattr(error, 'code', 'bug')}`".replace("``", "`"))
            raise
        self.asked.ends.append("answered")
        return answer

    def count_calls(self) -> None:
        for endpoint in self.endpoints:
            endpoint._caller.call = self._counting(endpoint._caller.call)  # type: ignore[method-assign]

    def _counting(self, call: Any) -> Any:
        async def counted(request: Any, *args: Any, **more: Any) -> None:
            if MARK in str(request["messages"]) and not self.asked.ends:
                self.asked.calls += 1
            await call(request, *args, **more)

        return counted


def is_due_late(headers: Mapping[str, str]) -> bool:
    """Return whether a message in a retry topic waits far beyond the usual tenths of seconds."""
    return int(headers[h.NOT_BEFORE]) / 1000 > time.time() + 10


class Fates:
    """Where chunks end: reads every topic in which one can."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._validated: dict[str, int] = {}
        self._letters: dict[str, str] = {}
        self._waiting: set[str] = set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        kafka = self._bench.kafka
        names = [kafka.topic(one) for one in (NOTES_VALIDATED.name, *LETTERS, WAITING)]
        consumer = AIOKafkaConsumer(
            *names,
            bootstrap_servers=kafka.bootstrap_servers,
            auto_offset_reset="earliest",
            group_id=None,
        )
        await consumer.start()
        reading = asyncio.create_task(self._read(consumer))
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await consumer.stop()

    async def _read(self, consumer: Any) -> None:
        async for record in consumer:
            name = record.topic.removeprefix(self._bench.kafka.topic_prefix)
            key = (record.key or b"").decode()
            if name == NOTES_VALIDATED.name:
                validated = json.loads(record.value)
                if validated["final"]:
                    self._validated[key] = validated["attempt"]
            elif name in LETTERS:
                headers = {name: value.decode() for name, value in record.headers}
                self._letters[key] = headers[h.ERROR_CODE]
            else:
                headers = {name: value.decode() for name, value in record.headers}
                if is_due_late(headers):
                    self._waiting.add(key)

    def of(self, chunk: ChunkReady) -> str | None:
        """Where a chunk is, in the table's words; None while it is on its way."""
        if attempt := self._validated.get(chunk.key):
            return outcomes.DRAFTED if attempt == 1 else outcomes.SECOND_DRAFT
        if code := self._letters.get(chunk.key):
            return outcomes.dead(code)
        return outcomes.HELD if chunk.key in self._waiting else None

    @property
    def letters(self) -> int:
        """How many chunks have died."""
        return len(self._letters)


@dataclass(frozen=True, slots=True)
class ObservedOutcome:
    """What a case came to."""

    first: str
    ends: str
    letters: int


async def play(case: Case, broker: str) -> ObservedOutcome:
    """Run enrichment and guardrail until the marked chunk has ended somewhere."""
    bench = await bench_on(broker, [replace(topic, partitions=1) for topic in TOPICS])
    async with AsyncExitStack() as everything:
        model = await everything.enter_async_context(simulated(case.simulator))
        client = Watched(model.settings(**PATIENCE))
        client.asked = Asked()
        await everything.enter_async_context(client)
        client.count_calls()
        fates = Fates(bench)
        await everything.enter_async_context(fates.reading())
        drafting = bench.serving(
            ENRICHMENT, enrichment.router, EnrichmentSettings(**HURRY), drafter=NoteDrafter(client)
        )
        running = await everything.enter_async_context(drafting)
        checking = bench.serving(
            GUARDRAIL,
            guardrail.router,
            GuardrailSettings(**HURRY),
            assess=assess_in_thread,
            policy=CheckPolicy(),
            review=None,
        )
        await everything.enter_async_context(checking)
        if case.outage is not None:
            await model.control("PUT", "outages", [dict(case.outage)])
        await everything.enter_async_context(traffic(bench))

        def ended() -> str | None:
            trouble = running.health.reason
            if "ONRECORD_MODEL" in trouble and client.asked.ends:
                return outcomes.MISCONFIGURED
            return fates.of(MARKED)

        ends = await until(ended, within_s=40)
        return ObservedOutcome(client.asked.describe(), ends, fates.letters)


@asynccontextmanager
async def traffic(bench: Bench) -> AsyncIterator[None]:
    """The marked chunk, and others before and after it for as long as the context lasts."""

    async def feed() -> None:
        async with Publisher(bench.kafka, source="/test") as publisher:
            await publisher.publish([chunk(1), MARKED])
            for number in count(2):
                await asyncio.sleep(EVERY_S)
                await publisher.publish([chunk(number)])

    feeding = asyncio.create_task(feed())
    try:
        yield
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


def row(case: Case, found: ObservedOutcome) -> str:
    """A case as a line of the table."""
    ends = found.ends
    if case.outage is not None and ends == outcomes.DRAFTED:
        ends = outcomes.WAITED
    return f"| {case.name} | {found.first} | {ends} |"


def rows() -> list[str]:
    """The lines of the document's table."""
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    return table[2:]


def write(new: str) -> None:
    """Put a row into the document, in the order of the cases."""
    named = {one.split(" | ")[0]: one for one in (*rows(), new)}
    ordered = [named[f"| {case.name}"] for case in CASES if f"| {case.name}" in named]
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    table = "\n".join([BEGIN, *HEAD, *ordered, END])
    DOCUMENT.write_text(before + table + rest.partition(END)[2], encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_chunk_ends_where_the_table_says(case: Case, broker: str) -> None:
    found = await play(case, broker)
    measured = row(case, found)
    if os.environ.get("UPDATE_GOLDEN"):
        write(measured)
    assert measured in rows(), "UPDATE_GOLDEN=1 writes the row anew"
    assert measured.endswith(f"| {case.ends} |")
    assert found.letters == found.ends.startswith("dead letter"), "no other chunk may die of it"


def test_every_fault_of_the_simulator_has_a_row() -> None:
    tried = {case.rule["fault"] for case in CASES if case.rule}
    # A judge's error ends no chunk: tests/integration/guardrail has it.
    of_judges = {FaultKind.WRONG_RULING, FaultKind.MADE_UP_WORDS}
    assert tried == {fault.value for fault in FaultKind if fault not in of_judges}


def test_the_table_has_a_row_for_each_case_and_no_others() -> None:
    assert [one.split(" | ")[0] for one in rows()] == [f"| {case.name}" for case in CASES]
