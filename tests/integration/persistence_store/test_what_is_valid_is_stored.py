"""PostgreSQL can store every value that the contract accepts, at the extremes of every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from contracts.errors import BadMessageError
from contracts.events import NotesValidated, TranscriptIngested
from database.pool import Database
from messaging.codec import InvalidEventError, parse_model
from persistence.domain import (
    RevisionConflictError,
    UngroundedWriteError,
    UnstorableEventError,
)
from persistence.store import NotesStore
from support.interviews import evidence, ingested, note, refused, validated

FieldPath = tuple[int | str, ...]

EXTREMES: Final[tuple[Any, ...]] = (
    *(None, 0, 1, -1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63, 10**400),
    *("", "\0", "a\0b", "\x01", "\x7f", "\ud800", "\U0010ffff", "\uffff", "\ufeff", "\u202e", "\\"),
    *("x" * 200, "x" * 1_000, "\U0001f642" * 200, "\U0001f642" * 2_000, "'; --", "{}", "NULL"),
    *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    *("9999-12-31T23:59:59-14:00", "0002-01-01T00:00:00Z", "9998-12-31T00:00:00Z"),
    *("1900-01-01T00:00:00+00:19", "2026-01-01T00:00:00.123456+14:00", "mask", True),
)


def leaves(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    if isinstance(value, dict | list):
        for place, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path


def replaced(document: Any, path: FieldPath, value: Any) -> Any:
    copy = deepcopy(document)
    holder = copy
    for place in path[:-1]:
        holder = holder[place]
    holder[path[-1]] = value
    return copy


def with_own_ids(document: dict[str, Any], number: int) -> dict[str, Any]:
    """Return an interview's event with other ids, so that each is stored beside the others."""
    transcript = str(uuid5(UUID(int=7), str(number)))
    chunks = [
        {**one, "chunk_id": str(uuid5(UUID(transcript), str(place)))}
        for place, one in enumerate(document["chunks"])
    ]
    return {**document, "transcript_id": transcript, "chunks": chunks}


INGESTED: Final = json.loads(ingested().model_dump_json())
VALIDATED: Final = json.loads(
    validated(
        note(
            "They pay 40 dollars",
            evidence("We pay 40 dollars 🙂", masked_quote="We pay [amount]"),
            flags=refused().failures,
        ),
        rejected=(refused(),),
        model_fingerprint="fp",
    ).model_dump_json()
)


async def test_every_interview_that_the_contract_takes_is_stored(fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    number = accepted = 0
    refusals = []
    for path in leaves(INGESTED):
        for value in EXTREMES:
            number += 1
            document = replaced(with_own_ids(INGESTED, number), path, value)
            try:
                event = parse_model(json.dumps(document).encode(), TranscriptIngested)
            except InvalidEventError:
                continue
            accepted += 1
            try:
                await store.store_transcript(event)
            except UnstorableEventError as error:
                refusals.append(str(error))
    # Numbers that contradict each other are found by a constraint, which is named.
    assert [one for one in refusals if "constraint" not in one] == []
    assert accepted > 100


async def test_every_draft_that_the_contract_takes_is_stored(fresh_database: Database) -> None:
    store = NotesStore(fresh_database)
    accepted = 0
    refusals = []
    for path in leaves(VALIDATED):
        for value in EXTREMES:
            try:
                document = replaced(VALIDATED, path, value)
                event = parse_model(json.dumps(document).encode(), NotesValidated)
            except InvalidEventError:
                continue
            accepted += 1
            await fresh_database.execute("DELETE FROM transcripts")
            await store.store_transcript(ingested())
            try:
                await store.store_notes(event)
            except (UngroundedWriteError, RevisionConflictError):
                continue  # as the quote or its place is another one now, or the revision is
            except UnstorableEventError as error:
                refusals.append(f"{path}: {error}")
    assert [one for one in refusals if "is of another transcript or revision" not in one] == []
    assert accepted > 100


def duplicated() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield interviews that contradict themselves."""
    turns, chunks = INGESTED["segments"], INGESTED["chunks"]
    yield "turn", {**INGESTED, "segments": [turns[0], {**turns[1], "number": 1}]}
    yield "index", {**INGESTED, "chunks": [chunks[0], {**chunks[1], "index": 1}]}
    twice = {**chunks[1], "chunk_id": chunks[0]["chunk_id"]}
    yield "chunk", {**INGESTED, "chunks": [chunks[0], twice]}
    backwards = {**chunks[1], "first_segment": 2, "last_segment": 1}
    yield "range", {**INGESTED, "chunks": [chunks[0], backwards]}


@pytest.mark.parametrize(("what", "document"), list(duplicated()), ids=lambda one: str(one)[:9])
async def test_an_interview_that_contradicts_itself_is_a_dead_letter_at_once(
    fresh_database: Database, what: str, document: dict[str, Any]
) -> None:
    del what
    event = TranscriptIngested.model_validate(document)
    with pytest.raises(BadMessageError, match=r"PostgreSQL cannot store transcript .*: constraint"):
        await NotesStore(fresh_database).store_transcript(event)


@pytest.mark.parametrize("change", ["other transcript", "other revision"])
async def test_chunks_that_are_another_interviews_are_a_dead_letter_at_once(
    fresh_database: Database, change: str
) -> None:
    store = NotesStore(fresh_database)
    await store.store_transcript(ingested())
    other = {"transcript_id": UUID(int=9)} if change == "other transcript" else {"revision": 2}
    with pytest.raises(BadMessageError, match="constraint chunks_pkey"):
        await store.store_transcript(ingested().model_copy(update=other))
