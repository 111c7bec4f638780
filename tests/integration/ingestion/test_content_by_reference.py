"""Interviews handed in compressed or by a URI, through the service and its topics."""

from __future__ import annotations

import asyncio
import base64
import gzip
from pathlib import Path

import pytest

from contracts.events import TranscriptIngested, TranscriptSubmitted
from contracts.topics import (
    INGESTION,
    TRANSCRIPTS_INGESTED,
    build_dlq_topic,
    build_retry_topic,
)
from contracts.transcript import ContentForm
from database.settings import PostgresSettings
from messaging import Publisher
from onrecord.client import compress_content
from support.admission import open_ingestion
from support.broker import Bench
from support.certificates import Authority
from support.raw_server import Answer, raw_server, redirect, response
from support.service_process import service_process
from support.submissions import submitted

TALK = "Anna: Why?\nBo: Because we pay 40 dollars.\n"
WITHIN_S = 120.0
URI = ContentForm.URI
SIGNATURE = "X-Signature=c2VjcmV0"


def fails_once() -> Answer:
    """The answer of a server that is busy at first."""
    answers = iter([response(b"", status="503 Service Unavailable")])

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers, response(TALK.encode())))
        await writer.drain()

    return answer


@pytest.mark.long
async def test_content_is_taken_from_where_it_may_be_and_refused_letters_say_why(
    bench: Bench, postgres_settings: PostgresSettings, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "authority")
    folder = tmp_path / "interviews"
    folder.mkdir()
    (folder / "talk.txt").write_text(TALK, encoding="utf-16")
    (tmp_path / "secret.txt").write_text(TALK, encoding="utf-8")
    bomb = base64.b64encode(gzip.compress(b"\0" * (64 * 1024 * 1024))).decode()
    answers: dict[str, Answer] = {
        "/talk.txt": response(TALK.encode()),
        "/packed": response(gzip.compress(TALK.encode())),
        "/busy": fails_once(),
        "/to-metadata": redirect("http://169.254.169.254/latest/"),
    }
    identity = authority.identity("files", "DNS:localhost")
    async with raw_server(answers, identity) as server:
        place = f"https://localhost:{server.port}"
        good = [
            compress_content(submitted("compressed", TALK)),
            submitted("text", TALK),
            submitted("file", f"file://{folder}/talk.txt", URI),
            submitted("https", f"{place}/talk.txt?{SIGNATURE}", URI),
            submitted("packed", f"{place}/packed?{SIGNATURE}", URI),
            submitted("busy", f"{place}/busy?{SIGNATURE}", URI),
        ]
        bad = {
            "missing": ("content_not_found", f"{place}/missing?{SIGNATURE}"),
            "no such file": ("content_not_found", f"file://{folder}/none.txt"),
            "elsewhere": ("content_refused", f"https://evil.example/talk.txt?{SIGNATURE}"),
            "other file": ("content_refused", f"file://{tmp_path}/secret.txt"),
            "metadata": ("content_refused", f"{place}/to-metadata?{SIGNATURE}"),
            "login": ("content_refused", f"https://user:{SIGNATURE}@localhost:{server.port}/"),
        }
        env = {
            **open_ingestion(postgres_settings),
            "KAFKA_BOOTSTRAP_SERVERS": bench.kafka.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": bench.kafka.topic_prefix,
            "INGESTION_ALLOWED_CONTENT": f"{place}/ file://{folder}/",
            "INGESTION_ALLOW_LOOPBACK": "true",
            "INGESTION_FETCH_CA_FILE": str(authority.certificate),
        }
        with service_process(INGESTION, env, tmp_path) as service:
            await service.is_ready()
            async with Publisher(bench.kafka, source="/test") as publisher:
                await publisher.publish(good)
                await publisher.publish(
                    [submitted(name, uri, URI) for name, (_, uri) in bad.items()]
                )
                await publisher.publish([submitted("bomb", bomb, ContentForm.GZIP)])
            letters = await bench.records(
                build_dlq_topic(INGESTION).name, len(bad) + 1, within_s=WITHIN_S
            )
            ingested = await bench.records(TRANSCRIPTS_INGESTED.name, len(good), within_s=WITHIN_S)
            log = service.log.read_text(encoding="utf-8")
    events = [TranscriptIngested.model_validate_json(one.value) for one in ingested]
    assert {one.title for one in events} == {one.title for one in good}
    hashes = {one.title: one.content_sha256 for one in events}
    assert hashes == {one.title: one.content_sha256 for one in good}, "as control knows them"
    assert hashes["compressed"] == hashes["text"]
    codes = {
        TranscriptSubmitted.model_validate_json(one.value).title: dict(one.headers)[
            "onrecord-error-code"
        ].decode()
        for one in letters
    }
    assert codes == {"bomb": "too_large"} | {name: code for name, (code, _) in bad.items()}
    assert await bench.size(build_retry_topic(INGESTION, 0).name) <= 1, "only what was busy"
    for one in letters:
        message = dict(one.headers)["__dlq.errors.message"].decode()
        assert message.startswith("content: ")
        assert SIGNATURE not in message
    assert SIGNATURE not in log
