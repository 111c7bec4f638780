"""A thousand marked words of one interview, planted wherever words can get; then it is erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from backup.archive import read_pieces, verify_archive
from contracts.events import TranscriptSubmitted
from contracts.study import Study, Theme
from database.pool import open_database
from local_stack.supervisor import LocalStack
from support.marked_words import find_marked, find_marked_files
from support.pipeline import Pipeline, run_as_administrator, submitted
from support.stack import QUICK_RETRIES, embedded_stack
from support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

STUDY = Study(
    study_id="marked",
    name="Marked",
    themes=(Theme(id="pricing", name="Prices", description="cost, dollars, pay, expensive"),),
    personal_data="allow",
    statements="all",
)
PREFIX = "Zqmark"
MARKER = re.compile(rb"zqmark[0-9]{4}", re.IGNORECASE)
BYTES_IN_ROWS = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")
"""How COPY's text format writes a value of bytes."""
TURNS = 1001
QUESTIONS_EVERY = 11


class Markers:
    """Words that are nowhere else, counted."""

    def __init__(self) -> None:
        self.planted = 0

    def next(self) -> str:
        self.planted += 1
        return f"{PREFIX}{self.planted:04}"


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack of its own, whose files the test reads; its write-ahead log is short."""
    with embedded_stack(env=QUICK_RETRIES) as running:
        yield running


def build_talk(markers: Markers) -> TranscriptSubmitted:
    """An interview with a marked title, a marked speaker, and a marked word in each turn."""
    speaker = f"Ada {markers.next()}"
    turns = []
    for number in range(TURNS):
        word = markers.next()
        if number % QUESTIONS_EVERY == 0:
            turns.append(f"Interviewer: What did the {word} cost?")
        else:
            turns.append(f"{speaker}: I paid {number + 30} dollars for the {word}, which I liked.")
    return submitted(STUDY, f"A talk with {markers.next()}", "\n\n".join(turns))


async def plant_by_hand(pipeline: Pipeline, talk: TranscriptSubmitted, markers: Markers) -> None:
    """Have people and producers write marked words about a stored interview."""
    interview = str(talk.transcript_id)
    because = ("--reason", f"as {markers.next()} wished")
    for fix in (
        ("--title", f"Now {markers.next()}"),
        ("--rename", f"Interviewer={markers.next()}"),
    ):
        await pipeline.ask("transcript", "fix", interview, *fix, *because, "--wait")
    first, second, *_ = await pipeline.ask("notes", "--study", STUDY.study_id)
    quoted = second["evidence"][0]["quote"]
    await pipeline.ask("note", "comment", first["note_id"], f"Ask {markers.next()} again.")
    await pipeline.ask(
        *("note", "edit", second["note_id"], f"{markers.next()}: {quoted}", "--unproven", *because)
    )
    # A revision that leaves out some: a letter, with the whole interview in it, that is edited.
    gap = talk.model_copy(update={"revision": 9, "title": f"Once more {markers.next()}"})
    await pipeline.publish([gap])
    await pipeline.settled()
    (letter,) = await pipeline.letters(talk.transcript_id)
    await pipeline.ask(
        *("dlq", "edit", str(letter["letter_id"]), "--set", "/accept_doubtful=true"), *because
    )
    await pipeline.ask("transcript", "withdraw", interview, *because)


def find_markers(texts: Iterable[bytes]) -> set[bytes]:
    return {word.lower() for text in texts for word in MARKER.findall(text)}


async def read_topics(pipeline: Pipeline) -> dict[str, set[bytes]]:
    """Return the marked words in all records of each topic, in values, keys and headers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=pipeline.kafka.bootstrap_servers)
    await consumer.start()
    found: dict[str, set[bytes]] = {}
    try:
        topics = await consumer.topics()
        places = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                for one in records:
                    headers = [
                        part for name, value in one.headers for part in (name.encode(), value)
                    ]
                    words = find_markers([one.value or b"", one.key or b"", *headers])
                    if words:
                        found.setdefault(place.topic, set()).update(words)
    finally:
        await consumer.stop()
    return found


async def back_up(stack: LocalStack, file: Path) -> set[bytes]:
    """Make a backup; return the marked words in its rows, as they are once decompressed."""
    code, printed = await run_as_administrator(stack, "backup", str(file))
    assert code == 0, printed
    found = set()
    with file.open("rb") as opened:
        manifest = verify_archive(opened)
        opened.seek(0)
        for _, _, content in read_pieces(opened, manifest):
            values = [bytes.fromhex(digits.decode()) for digits in BYTES_IN_ROWS.findall(content)]
            found |= find_markers([content, *values])
    return found


def read_logs(stack: LocalStack) -> dict[str, set[bytes]]:
    found = {one.name: find_markers([one.read_bytes()]) for one in stack.home.logs.rglob("*.log")}
    return {name: words for name, words in found.items() if words}


def list_topics_of_receipt(receipt: dict[str, Any]) -> set[str]:
    places = [one["place"] for one in receipt["remains"]]
    return {
        topic
        for place in places
        if place.startswith("kafka topics ")
        for topic in place.removeprefix("kafka topics ").split(", ")
    }


async def give_space_back(pipeline: Pipeline) -> None:
    """Do what docs/erasure.md says to overwrite deleted rows and the write-ahead log at once."""
    async with open_database(pipeline.postgres) as database:
        for statement in (
            "ALTER SYSTEM SET wal_recycle = off",
            "SELECT pg_reload_conf()",
            "VACUUM FULL",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
            "SELECT pg_switch_wal()",
            "CHECKPOINT",
        ):
            await database.execute(statement)


async def test_a_thousand_planted_words_are_nowhere_but_where_the_receipt_says(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    markers = Markers()
    talk = build_talk(markers)
    folder = pipeline.stack.home.data / "postgres"
    await pipeline.publish([talk])
    await pipeline.settled(within_s=180)
    await plant_by_hand(pipeline, talk, markers)
    assert markers.planted >= 1000
    async with open_database(pipeline.postgres) as database:
        held = await find_marked(database, PREFIX)
        await database.execute("CHECKPOINT")
    assert {"transcripts", "segments", "evidence", "note_decisions", "letter_edits"} <= {*held}
    assert find_marked_files(folder, PREFIX.encode())
    whole = await back_up(pipeline.stack, tmp_path / "before.backup")
    assert len(whole) == markers.planted, "it was looked for where it is"

    file = tmp_path / "receipt.json"
    await pipeline.onrecord(
        *("erase", "transcript", str(talk.transcript_id), "--reason", "consent", "--yes"),
        *("--wait", "180", "--output", str(file)),
    )
    receipt = json.loads(json.loads(file.read_text(encoding="utf-8"))["receipt"])

    async with open_database(pipeline.postgres) as database:
        assert await find_marked(database, PREFIX) == {}
    assert await back_up(pipeline.stack, tmp_path / "after.backup") == set()
    await give_space_back(pipeline)

    async def is_gone() -> bool:  # replaced files are deleted shortly after
        return not find_marked_files(folder, PREFIX.encode())

    await until(is_gone)
    assert read_logs(pipeline.stack) == {}
    in_topics = await read_topics(pipeline)
    assert in_topics, "handled records stay for their time"
    assert {*in_topics} <= list_topics_of_receipt(receipt)
    assert not find_markers([file.read_bytes()])
