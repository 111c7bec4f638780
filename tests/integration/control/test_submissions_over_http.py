"""Interviews submitted over HTTP: what Kafka gets, who may, what is refused, and how large."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import pytest

from contracts import headers as h
from contracts.access import CreateTokenRequest, Role, RoleGrant
from contracts.events import SettledOutcome, TranscriptSettled, TranscriptSubmitted
from contracts.ids import derive_transcript_id
from contracts.submissions import SubmitTranscriptRequest, read_submitter
from contracts.topics import TRANSCRIPTS_SUBMITTED, build_retry_topic
from contracts.transcript import ContentForm
from control.letters.indexing import build_indexed_submission
from control.letters.store import DeadLetterStore
from database.pool import Database
from ingestion.content import resolve_content_to_text
from messaging import KafkaSettings, Publisher, Record
from persistence.store import NotesStore
from support.control_office import Office, open_office
from support.interviews import STUDY, ingested

LIMIT: Final = 2 * 1024 * 1024


@pytest.fixture
async def office(broker: str, fresh_database: Database) -> AsyncIterator[Office]:
    async with open_office(broker, fresh_database, max_transcript_bytes=LIMIT) as opened:
        yield opened


def interview(**changes: Any) -> dict[str, Any]:
    wanted = {
        "source": "ana.txt",
        "title": "Ana",
        "study": STUDY,
        "content": "Ada: What do you pay?\nBo: Nothing.",
        **changes,
    }
    return SubmitTranscriptRequest.model_validate(wanted).model_dump(mode="json")


async def post(
    office: Office, body: bytes | dict[str, Any], **headers: str
) -> tuple[int, Any, dict[str, str]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **headers}
    answer = await office.client.post(
        f"{office.url}/v1/transcripts", content=content, headers=headers
    )
    return answer.status_code, answer.json(), dict(answer.headers)


async def count_submitted(office: Office) -> int:
    return await office.bench.size(TRANSCRIPTS_SUBMITTED.name)


async def test_a_submission_is_on_its_topic_before_it_is_accepted(office: Office) -> None:
    status, body, _ = await post(office, interview())
    transcript_id = derive_transcript_id(STUDY.study_id, "ana.txt")
    (record,) = await office.bench.records(TRANSCRIPTS_SUBMITTED.name, 1)
    assert (status, body) == (
        202,
        {
            "transcript_id": str(transcript_id),
            "revision": 1,
            "study_id": STUDY.study_id,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
        },
    )
    event = TranscriptSubmitted.model_validate_json(record.value)
    assert (event.transcript_id, event.title, event.study) == (transcript_id, "Ana", STUDY)
    assert record.key == str(transcript_id).encode()
    (entry,) = (await office.context.trail.page()).entries
    assert (entry.action, entry.target, entry.study_id) == (
        "transcript.submit",
        f"{transcript_id} revision 1",
        STUDY.study_id,
    )


async def test_control_knows_who_submitted_and_believes_no_other_producer(
    office: Office, fresh_database: Database
) -> None:
    await post(office, interview())
    (record,) = await office.bench.records(TRANSCRIPTS_SUBMITTED.name, 1)
    store = DeadLetterStore(fresh_database)
    secret = await store.submitter_secret()
    found = read_submitter(record.headers, record.key, record.value, secret)
    assert found is not None
    assert found.name == "admin"
    here = Record(
        "transcripts-submitted", 0, 0, record.key, record.value, tuple(record.headers), 1_000
    )
    headers = dict(record.headers)
    forged: list[Record] = [
        replace(here, value=record.value + b" "),
        replace(here, key=b"another"),
        replace(here, headers=((h.SUBMITTED_BY, headers[h.SUBMITTED_BY]),)),
        replace(
            here,
            headers=(
                (h.SUBMITTED_BY, headers[h.SUBMITTED_BY].replace(b"admin", b"other")),
                (h.SUBMITTED_BY_MAC, headers[h.SUBMITTED_BY_MAC]),
            ),
        ),
    ]
    for one in forged:
        assert build_indexed_submission(one, secret).submitted_by is None
    await store.index_submission(build_indexed_submission(here, secret))
    row = await fresh_database.fetchrow("SELECT submitted_by, submitted_by_token FROM submissions")
    assert row is not None
    assert tuple(row) == ("admin", found.token_id)


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([RoleGrant(role=Role.RESEARCHER, study_id=STUDY.study_id)], 202),
        ([RoleGrant(role=Role.RESEARCHER)], 202),
        ([RoleGrant(role=Role.RESEARCHER, study_id="another")], 403),
        ([RoleGrant(role=Role.READER), RoleGrant(role=Role.OPERATOR)], 403),
    ],
)
async def test_researchers_submit_to_their_own_studies(
    office: Office, grants: list[RoleGrant], expected: int
) -> None:
    wanted = CreateTokenRequest(name="ada", grants=tuple(grants))
    secret = (await office.context.tokens.create(wanted, "a test")).secret
    status, _, _ = await post(office, interview(), Authorization=f"Bearer {secret}")
    assert status == expected
    assert await count_submitted(office) == (expected == 202)
    answer = await office.client.get(
        f"{office.url}/v1/studies/{STUDY.study_id}/submissions?source=ana.txt",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (answer.status_code == 200) == (expected == 202)


async def test_compressed_bodies_are_read_and_bounded_while_they_are_decompressed(
    office: Office,
) -> None:
    body = json.dumps(interview()).encode()
    status, _, _ = await post(office, gzip.compress(body), **{"Content-Encoding": "gzip"})
    assert status == 202
    bomb = zlib.compressobj(9, wbits=31)
    packed = bomb.compress(b"[" + b" " * (300 * LIMIT)) + bomb.flush()
    assert len(packed) < LIMIT
    refused = {
        413: [packed],
        400: [b"\x1f\x8b", gzip.compress(body)[:-9], gzip.compress(body) + b"more", b"plain", b""],
    }
    for expected, bodies in refused.items():
        for one in bodies:
            status, said, _ = await post(office, one, **{"Content-Encoding": "gzip"})
            assert (status, said["status"]) == (expected, expected), one[:40]
    status, said, _ = await post(office, body, **{"Content-Encoding": "br"})
    assert (status, "gzip" in said["detail"]) == (415, True)
    assert await count_submitted(office) == 1


async def test_what_is_larger_than_the_limit_is_refused_and_others_keep_theirs(
    office: Office,
) -> None:
    large = b'{"a": "' + b"x" * LIMIT + b'"}'
    assert (await post(office, large))[0] == 413
    answer = await office.client.post(
        f"{office.url}/v1/letters/replay",
        content=b'{"code": "' + b"x" * (1024 * 1024) + b'"}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"source": ""},
        {"content": "a\0b", "title": "a\0b"},
        {"revision": 0},
        {"transcript_id": str(UUID(int=1))},
        {"study": {"study_id": "no such id", "name": "x", "themes": []}},
        {"recorded_at": "2026-01-01T00:00:00"},
    ],
)
async def test_what_is_no_interview_is_refused_with_its_place(
    office: Office, changes: dict[str, Any]
) -> None:
    status, said, _ = await post(office, interview() | changes)
    assert status == 400
    assert next(iter(changes.keys() - {"content"})) in said["detail"]
    assert (await post(office, b"{"))[0] == 400
    assert await count_submitted(office) == 0


async def test_an_interview_of_another_producer_is_refused_at_once(
    office: Office, fresh_database: Database
) -> None:
    """Ingestion would make a letter of it, and whoever waits would see the other one's outcome."""
    transcript_id = derive_transcript_id(STUDY.study_id, "ana.txt")
    await fresh_database.execute(
        "INSERT INTO transcript_owners VALUES ($1, $2, '/portal', 1)",
        *(transcript_id, STUDY.study_id),
    )
    for revision in (1, 2):
        status, problem, _ = await post(office, interview(revision=revision))
        assert (status, "belongs to another producer than token:admin" in problem["detail"]) == (
            *(409, True),
        )
        assert "/portal" not in problem["detail"]
    assert (await count_submitted(office), (await office.context.trail.page()).entries) == (0, ())
    handed = await office.client.post(
        f"{office.url}/v1/transcripts/{transcript_id}/handover",
        json={"to": "token:admin", "reason": "a test"},
    )
    assert handed.status_code == 200, handed.text
    assert (await post(office, interview(revision=2)))[0] == 202


async def test_an_interview_of_another_study_is_left_to_ingestion(
    office: Office, fresh_database: Database
) -> None:
    """Who submits for one study learns of no interview of another: ingestion decides."""
    transcript_id = derive_transcript_id(STUDY.study_id, "ana.txt")
    for producer in ("token:admin", "/portal"):
        await fresh_database.execute("TRUNCATE transcript_owners")
        await fresh_database.execute(
            "INSERT INTO transcript_owners VALUES ($1, 'of-others', $2, 1)",
            *(transcript_id, producer),
        )
        status, _, _ = await post(office, interview(revision=2))
        assert status == 202, producer
    assert await count_submitted(office) == 2


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"study": {"themes": []}}, "study.themes: at least one is needed"),
        ({"study": {"study_id": "a b"}}, "study.study_id: may have letters, digits, '.', '_' and"),
    ],
)
async def test_what_is_too_short_or_no_id_is_said_in_words(
    office: Office, changes: dict[str, Any], detail: str
) -> None:
    body = interview()
    body["study"] |= changes["study"]
    status, problem, _ = await post(office, body)
    assert (status, problem["detail"][: len(detail)]) == (400, detail)


async def test_a_stored_revision_with_other_content_is_refused(
    office: Office, fresh_database: Database
) -> None:
    await NotesStore(fresh_database).store_transcript(ingested())
    status, said, _ = await post(office, interview(source="interview-1"))
    assert (status, "revision 2" in said["detail"]) == (409, True)
    status, _, _ = await post(office, interview(source="interview-1", revision=2))
    assert status == 202
    assert await count_submitted(office) == 1


async def test_text_too_large_for_its_topic_is_compressed(
    broker: str, fresh_database: Database
) -> None:
    content = "Ada: " + "".join(f"{number:x} " for number in range(1_700_000))
    async with open_office(broker, fresh_database) as office:
        plain = KafkaSettings(**{**office.bench.kafka.model_dump(), "compression": "none"})
        async with Publisher(plain, source="/test") as publisher:
            office.context.replayer.sender.publisher = publisher
            status, _, _ = await post(office, interview(content=content))
        assert status == 202
        (record,) = await office.bench.records(TRANSCRIPTS_SUBMITTED.name, 1)
        event = TranscriptSubmitted.model_validate_json(record.value)
        assert event.content_form is ContentForm.GZIP
        assert resolve_content_to_text(event).submitted.content == content


async def test_without_its_topic_nothing_is_done(broker: str, fresh_database: Database) -> None:
    async with open_office(broker, fresh_database, [build_retry_topic("enrichment", 0)]) as office:
        status, said, headers = await post(office, interview(), **{"Idempotency-Key": "one"})
        assert (status, said["status"]) == (503, 503)
        assert int(headers["retry-after"]) > 0
        assert (await office.context.trail.page()).entries == ()
        assert await fresh_database.fetchval("SELECT count(*) FROM idempotent_requests") == 0


async def test_what_others_store_and_submit_under_an_interview_s_id_is_not_shown(
    office: Office, fresh_database: Database
) -> None:
    transcript_id = derive_transcript_id(STUDY.study_id, "ana.txt")
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested(transcript_id=transcript_id, chunks=()))
    others = STUDY.model_copy(update={"study_id": "another"})
    await store.store_transcript(ingested(2, transcript_id=transcript_id, chunks=(), study=others))
    for revision in range(1, 201):
        settled = TranscriptSettled(
            transcript_id=transcript_id,
            revision=revision,
            content_sha256=None,
            number=1,
            outcome=SettledOutcome.REFUSED if revision > 2 else SettledOutcome.COMPLETE,
        )
        await fresh_database.execute(
            "INSERT INTO settlements (transcript_id, revision, number, facts_sha256, event, "
            "decided_at) VALUES ($1, $2, 1, '', $3, now() - make_interval(mins => $2))",
            *(transcript_id, revision, settled.model_dump_json()),
        )
    wanted = CreateTokenRequest(
        name="ana", grants=(RoleGrant(role=Role.RESEARCHER, study_id=STUDY.study_id),)
    )
    secret = (await office.context.tokens.create(wanted, "a test")).secret
    office.client.headers["Authorization"] = f"Bearer {secret}"
    path = f"/v1/studies/{STUDY.study_id}/submissions?source=ana.txt"
    _, state = await office.ask("GET", path)
    assert [one["revision"] for one in state["stored"]] == [1]
    _, details = await office.ask("GET", f"/v1/transcripts/{transcript_id}")
    for outcomes in (state["outcomes"], details.get("outcomes", state["outcomes"])):
        revisions = [one["revision"] for one in outcomes]
        assert (len(revisions), revisions[-1], 2 in revisions) == (100, 1, False)


CLOSED: Final[dict[str, Any]] = {"open_registration": False}


async def register(office: Office, **changes: Any) -> None:
    body = {**STUDY.model_dump(mode="json", exclude_none=True, exclude={"version"}), **changes}
    status, said = await office.ask("POST", "/v1/studies", body)
    assert status == 201, said


@pytest.mark.parametrize("options", [CLOSED, {"open_registration": True}])
@pytest.mark.parametrize("names_it", [False, True])
async def test_a_study_that_nobody_registered_is_refused_unless_the_submission_may_register_it(
    broker: str,
    fresh_database: Database,
    options: dict[str, Any],
    names_it: bool,  # noqa: FBT001 - a parameter
) -> None:
    about = {"study": None, "study_id": STUDY.study_id} if names_it else {}
    async with open_office(broker, fresh_database, **options) as office:
        status, said, _ = await post(office, interview(**about), **{"Idempotency-Key": "one"})
        if options["open_registration"] and not names_it:
            assert status == 202
            return
        assert (status, "onrecord study create" in said["detail"]) == (404, True)
        assert await count_submitted(office) == 0
        assert (await office.context.trail.page()).entries == ()
        await register(office)
        status, said, _ = await post(office, interview(**about), **{"Idempotency-Key": "one"})
        assert status == 202, said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"producers": ["token:ada"]}, (403, "token:admin")),
        ({"producers": ["token:admin"]}, (202, "")),
        ({"archived": True}, (409, "archive --undo")),
    ],
)
async def test_a_study_that_would_not_take_the_interview_refuses_it_at_once(
    office: Office, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    await register(office)
    answer = await office.client.patch(
        f"{office.url}/v1/studies/{STUDY.study_id}/registration",
        json=changes,
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 200
    status, said, _ = await post(office, interview())
    assert (status, expected[1] in said.get("detail", "")) == (expected[0], True)
    assert await count_submitted(office) == (status == 202)
