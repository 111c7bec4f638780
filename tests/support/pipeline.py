"""The whole system as a test uses it: submit interviews, wait until settled, look."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from audit import AuditResult, run_audit
from audit.broker import open_backlog_scanner
from audit.facts import SubmissionState
from contracts import ids
from contracts.events import Event, TranscriptSubmitted
from contracts.study import Study
from database.pool import open_database
from database.settings import PostgresSettings
from local_stack.supervisor import LocalStack
from messaging import KafkaSettings, Publisher
from support.stack import as_superuser

NOTES = """
SELECT transcript.title, chunk.index, note.position, note.statement,
       array(SELECT theme_id FROM note_themes WHERE note_id = note.note_id ORDER BY 1) AS themes,
       array(SELECT question_id FROM note_questions WHERE note_id = note.note_id ORDER BY 1)
           AS questions,
       (SELECT jsonb_agg(jsonb_build_array(segment, start_char, length, quote, speaker, role,
                                           start_ms, end_ms) ORDER BY position)
          FROM evidence WHERE note_id = note.note_id) AS evidence
  FROM notes AS note
  JOIN chunks AS chunk USING (chunk_id)
  JOIN transcripts AS transcript
    ON (transcript.transcript_id, transcript.revision) = (note.transcript_id, note.revision)
 WHERE note.study_id = $1
 ORDER BY 1, 2, 3
"""


LETTERS = """
SELECT * FROM dead_letters WHERE subject = $1 OR key = convert_to($1, 'UTF8') ORDER BY failed_at
"""


class Pipeline:
    """The running system, as its users see it."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack

    @property
    def env(self) -> Mapping[str, str]:
        return self.stack.client_env()

    @property
    def kafka(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.env["KAFKA_BOOTSTRAP_SERVERS"])

    @property
    def postgres(self) -> PostgresSettings:
        """The database, as its superuser: tests look at everything."""
        return as_superuser(self.stack)

    @property
    def simulator(self) -> str:
        """The URL under which the simulator takes rules and outages, without a slash."""
        model = self.stack.model()
        assert model is not None
        assert model.base_url is not None
        return f"{model.base_url.removesuffix('/v1')}/simulator"

    async def onrecord(self, *words: str, code: int = 0) -> str:
        """Run the command line as an operator does; returns what it prints.

        Args:
            words: a verb with its arguments.
            code: the exit code that it is to end with.
        """
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("onrecord"),
            *words,
            env={**os.environ, **self.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, errors = await process.communicate()
        assert process.returncode == code, (words, process.returncode, printed, errors)
        return printed.decode()

    async def ask(self, *words: str) -> Any:
        """As ``onrecord``, with ``--json``; what it prints, read."""
        return json.loads(await self.onrecord(*words, "--json"))

    async def publish(self, events: Iterable[Event]) -> None:
        async with Publisher(self.kafka, source="/tests") as publisher:
            await publisher.publish(events)

    async def publish_lines(self, topic: str, values: Iterable[bytes], *, key: bytes) -> None:
        """Write records with one key as any producer might, in order."""
        async with Publisher(self.kafka, source="/tests") as publisher:
            for value in values:
                await publisher.forward(topic, key, value, ())

    async def publish_bytes(self, topic: str, value: bytes | None, **options: Any) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka.bootstrap_servers,
            max_request_size=64 * 1024 * 1024,
            compression_type="gzip",
        )
        await producer.start()
        try:
            await producer.send_and_wait(topic, value, **options)
        finally:
            await producer.stop()

    async def audit(self) -> AuditResult:
        async with (
            open_backlog_scanner(self.kafka) as scanner,
            open_database(self.postgres) as database,
        ):
            return await run_audit(scanner, database)

    async def settled(self, *, within_s: float = 90.0) -> AuditResult:
        """Wait until nothing is on its way any more: all is stored, or a letter in the database."""
        async with asyncio.timeout(within_s):
            while True:
                balance = await self.audit()
                accounts = (balance.submissions, balance.chunks)
                moving = sum(
                    a.states[s]
                    for a in accounts
                    for s in (SubmissionState.WAITING, SubmissionState.IN_RETRY)
                )
                if not moving and await self._has_all_letters():
                    return balance
                await asyncio.sleep(0.1)

    async def _has_all_letters(self) -> bool:
        """Whether control has read the dead-letter queues; the audit reads them itself."""
        async with open_backlog_scanner(self.kafka) as scanner:
            return not (await scanner.scan()).letters

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        async with open_database(self.postgres) as database:
            return list(await database.fetch(query, *arguments))

    async def notes(self, study_id: str) -> list[tuple[Any, ...]]:
        """All notes of a study, without ids: what was said, by whom, when, under what."""
        return [
            tuple(json.loads(value) if key == "evidence" else value for key, value in row.items())
            for row in await self.rows(NOTES, study_id)
        ]

    async def letters(self, subject: str | UUID) -> list[asyncpg.Record]:
        """All dead letters of one transcript or chunk, or with a key, oldest first."""
        return await self.rows(LETTERS, str(subject))


async def run_as_administrator(stack: LocalStack, *words: str) -> tuple[int, str]:
    """Run the command line as an administrator of a local stack does, by its folder alone.

    Returns:
        The exit code, and what it prints.
    """
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("onrecord"),
        *words,
        env={
            "ONRECORD_HOME": str(stack.home.path),
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


def submitted(study: Study, name: str, content: str, **fields: Any) -> TranscriptSubmitted:
    """Return an interview's submission, as a producer sends it."""
    return TranscriptSubmitted(
        transcript_id=ids.derive_transcript_id(study.study_id, name),
        title=name,
        study=study,
        content=content,
        **fields,
    )
