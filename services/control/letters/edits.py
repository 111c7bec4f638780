"""Edits of dead letters: what may be changed of a message, and what a replay sends in its place.

The message stays in its DLQ as it was. An edit is chosen or undone only while the letter is open,
under the lock of its row, which a claim for a replay takes, too; so what a claim sends is settled
once it is claimed, and a replay that a crash cut short sends the same again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final
from uuid import UUID

from contracts import headers as h
from contracts.errors import BadMessageError
from contracts.events import (
    ChunkReady,
    Event,
    NotesDrafted,
    NotesRejected,
    TranscriptSubmitted,
)
from contracts.letter_edits import MAX_EDIT_BYTES, LetterChange, LetterEdit
from contracts.topics import EVENT_TOPICS, INGESTION
from control.access.rights import Caller
from control.domain import (
    BadRequestError,
    ConcurrentChangeError,
    DeadLetterNotOpenError,
    UnknownDeadLetterError,
)
from control.letters.reader import DeadLetterRecord
from control.queries import load_control_queries
from database.pool import Database
from database.text import replace_nul
from messaging.codec import decode_event, parse_model, strip_schema_id

_QUERIES: Final = load_control_queries("letter_edits.sql")

EDITABLE: Final[Mapping[type[Event], tuple[str, ...]]] = {
    TranscriptSubmitted: ("/title", "/recorded_at", "/accept_doubtful"),
    ChunkReady: ("/title", "/study/themes", "/study/questions"),
    NotesDrafted: ("/notes",),
    NotesRejected: ("/feedback",),
}
"""What may be edited of valid events, as JSON Pointers. What was said and by whom, ids, policies
and what the guardrail decided may not: a corrected interview is submitted anew."""

LOCKED: Final = ("transcript_id", "revision", "supersedes", "refresh_version", "corrects")
"""What may not be edited of a submission that is no valid event, nor added to it."""

OPEN_OF_STUDY: Final = frozenset({"name", "themes", "questions", "languages"})
"""What may be edited of the study in such a submission; its id and its policies may not."""

MOST_EDITS: Final = 50
"""Most edits of one letter."""

MAX_CHANGES: Final = 1_000
"""Most fields in which an edit may differ from the message."""

_ANEW: Final = "submit the interview anew instead"


class LetterEditor:
    """Store of dead letters' edits in PostgreSQL, and of the edit that a replay sends.

    Args:
        database: holds the index of letters and their edits.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def edits(self, letter_id: UUID) -> tuple[LetterEdit, ...]:
        """Return all edits of a letter, the latest first."""
        return tuple(
            LetterEdit(**{**row, "changes": json.loads(row["changes"])})
            for row in await self._database.fetch(_QUERIES.select_edits, letter_id)
        )

    async def value(self, letter_id: UUID, number: int) -> bytes | None:
        """Return what an edit of a letter sends; None if there is no such edit."""
        found: bytes | None = await self._database.fetchval(
            _QUERIES.select_value, letter_id, number
        )
        return found

    async def choose(
        self,
        letter_id: UUID,
        version: int | None,
        edit: tuple[bytes, Sequence[LetterChange]] | None,
        caller: Caller,
        reason: str,
    ) -> int:
        """Have replays of an open letter send an edit, or its message as it is.

        Of a submission, the hash of the content that the edit brings is kept with the letter: the
        message may have none, and what is stored is known by it.

        Args:
            letter_id: of the letter.
            version: number of the edit that was sent so far, 0 for none; None: whichever it is.
            edit: the new value, and how it differs from the message; None: the message.
            caller: who asks.
            reason: why.

        Returns:
            The number of the edit that is sent now; 0 for none.

        Raises:
            UnknownDeadLetterError: there is no such letter.
            DeadLetterNotOpenError: it is not open, or may have been sent.
            ConcurrentChangeError: somebody edited it meanwhile.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_QUERIES.lock_letter, letter_id)
            if row is None:
                raise UnknownDeadLetterError(f"there is no letter {letter_id}")
            if row["state"] != "open":
                raise DeadLetterNotOpenError(f"letter {letter_id} is {row['state']}")
            if row["may_be_sent"]:
                raise DeadLetterNotOpenError(
                    f"letter {letter_id} may have been sent: an outage cut its replay short; "
                    "replay it as it is, and edit the letter it becomes if it fails again"
                )
            if version is not None and version != row["edit"]:
                raise ConcurrentChangeError(
                    f"letter {letter_id} was edited since it was read: read it again"
                )
            number, content_sha256 = 0, None
            if edit is not None:
                if row["latest"] >= MOST_EDITS:
                    raise DeadLetterNotOpenError(
                        f"letter {letter_id} was edited {MOST_EDITS} times, the most there may be"
                    )
                value, changes = edit
                number = row["latest"] + 1
                if row["service"] == INGESTION:
                    content_sha256 = parse_model(value, TranscriptSubmitted).content_sha256
                listed = json.dumps(replace_nul([one.model_dump(mode="json") for one in changes]))
                await connection.execute(
                    *(_QUERIES.insert_edit, letter_id, number, value, listed, caller.name, reason)
                )
            await connection.execute(
                _QUERIES.choose_edit, letter_id, number or None, content_sha256
            )
        return number

    async def find_edited(self, letter_ids: Sequence[UUID]) -> set[UUID]:
        """Return which of some letters are edited.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        rows = await self._database.fetch(_QUERIES.select_edited, letter_ids)
        return {row["letter_id"] for row in rows}

    async def apply(self, found: Sequence[DeadLetterRecord]) -> list[DeadLetterRecord]:
        """Return letters with the values that are sent: of those that are edited, the edits'.

        Raises:
            DatabaseUnavailableError: try again later.
        """
        ids = [one.place.letter_id for one in found]
        rows = await self._database.fetch(_QUERIES.select_edited_values, ids)
        values = {row["letter_id"]: row["value"] for row in rows}
        return [
            one._replace(value=values[one.place.letter_id])
            if one.place.letter_id in values
            else one
            for one in found
        ]


def find_event_class(found: DeadLetterRecord, source_topic: str | None) -> type[Event] | None:
    """Return the event class of a dead letter's message, by its ``ce_type`` header or topic."""
    named = dict(found.original).get(h.CE_TYPE)
    for topic in EVENT_TOPICS:
        event = topic.event
        if event is None or found.place.service not in topic.consumers:
            continue
        if named == event.ce_type.encode() or (named is None and topic.name == source_topic):
            return event
    return None


def list_editable_fields(
    found: DeadLetterRecord, event: type[Event] | None
) -> tuple[tuple[str, ...], str]:
    """Return JSON Pointers to a message's editable fields, or the reason why there are none.

    Args:
        found: the letter, with its whole message.
        event: what the message is.
    """
    if event is None:
        return (), "it is not known what event its message is"
    if event not in EDITABLE:
        return (), f"{event.ce_type} is what code decided: there is nothing a person may edit"
    try:
        decode_event(found.value, found.original, event)
    except BadMessageError:
        if event is TranscriptSubmitted:
            if isinstance(parse_json_value_or_none(found.value), dict):
                return ("",), ""
            return (), f"its ids cannot be read, and they are locked; {_ANEW}"
        return (), (
            f"it is no valid {event.ce_type}, and services alone write those: replay it once the "
            "code can read it"
        )
    return EDITABLE[event], ""


def validate_edit(
    found: DeadLetterRecord, event: type[Event] | None, value: Mapping[str, Any]
) -> tuple[bytes, tuple[LetterChange, ...]]:
    """Validate an edit of a dead letter's message; return its bytes, and the changed fields.

    Args:
        found: the letter, with its whole message.
        event: what the message is.
        value: what is to be sent, as JSON.

    Returns:
        The value's bytes, and how it differs from the message.

    Raises:
        BadRequestError: it is no valid event, it changes what is locked, or nothing.
    """
    editable, why = list_editable_fields(found, event)
    if event is None or not editable:
        raise BadRequestError(why)
    before = parse_json_value_or_none(found.value)
    changes = tuple(_compare(before, value, ""))
    if not changes:
        raise BadRequestError("value: it is the message as it is; nothing is edited")
    if len(changes) > MAX_CHANGES:
        raise BadRequestError(f"value: it differs in more than {MAX_CHANGES:,} fields")
    _require_editable(changes, editable)
    if editable == ("",) and isinstance(before, dict):
        _require_same_ids(before, value)
    body = _encode(value)
    try:
        edited = parse_model(body, event)
    except BadMessageError as error:
        raise BadRequestError(f"value: {error}") from error
    if found.key is not None and edited.key.encode() != found.key:
        raise BadRequestError(
            f"value: its id is not the record's key, by which its order is kept; {_ANEW}"
        )
    return body, changes


def _encode(value: Mapping[str, Any]) -> bytes:
    try:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise BadRequestError("value: it has half a surrogate pair, which is no text") from error
    if len(body) > MAX_EDIT_BYTES:
        raise BadRequestError(f"value: it has {len(body):,} bytes; {MAX_EDIT_BYTES:,} at most")
    return body


def _require_editable(changes: Iterable[LetterChange], editable: Sequence[str]) -> None:
    for one in changes:
        if not any(one.path == path or one.path.startswith(f"{path}/") for path in editable):
            raise BadRequestError(
                f"value: {one.path} is locked; {', '.join(editable)} may be edited"
            )


def parse_json_value_or_none(value: bytes | None) -> Any:
    """Parse a record's value as JSON; None if it is invalid, or not representable in responses."""
    try:
        found = json.loads(
            strip_schema_id(value or b"null"),
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
        )
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _parse_finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def _require_same_ids(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse other ids, another study and other policies of it in an invalid submission."""
    for name in LOCKED:
        if before.get(name) != after.get(name):
            raise BadRequestError(f"value: /{name} is locked; {_ANEW}")
    if _named_study(before) != _named_study(after):
        raise BadRequestError(f"value: the id of its study is locked; {_ANEW}")
    study, edited = before.get("study") or {}, after.get("study") or {}
    if isinstance(study, dict) and isinstance(edited, dict):
        for name in (study.keys() | edited.keys()) - OPEN_OF_STUDY - {"study_id"}:
            if study.get(name) != edited.get(name):
                raise BadRequestError(f"value: /study/{name} is locked; {_ANEW}")


def _named_study(value: Mapping[str, Any]) -> Any:
    study = value.get("study")
    named = study.get("study_id") if isinstance(study, dict) else None
    return value.get("study_id") if named is None else named


def _compare(before: Any, after: Any, path: str) -> Iterator[LetterChange]:
    """Yield the fields in which two JSON values differ, as deep as both have the same form."""
    if isinstance(before, dict) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            yield from _compare(before.get(name), after.get(name), place)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after, strict=True)):
            yield from _compare(*pair, f"{path}/{at}")
    elif before != after or type(before) is not type(after):
        yield LetterChange(path=path, before=before, after=after)


def list_edited_fields(changes: Iterable[LetterChange]) -> list[str]:
    """List the fields that an edit changes, for the audit trail: event fields and list indexes.

    A name that no event has may be anybody's words, such as a speaker's in a value that is no
    event, and readers of the trail may not see evidence: ``*`` stands for it.
    """
    fields = _list_field_names()
    return [
        "/".join(
            name if not name or name in fields or (name.isascii() and name.isdigit()) else "*"
            for name in names
        )
        for names in (one.path.split("/") for one in changes)
    ]


@cache
def _list_field_names() -> frozenset[str]:
    """List the names of all fields of events that may be edited."""
    schemas: list[Any] = [event.model_json_schema() for event in EDITABLE]
    names: set[str] = set()
    while schemas:
        schema = schemas.pop()
        if isinstance(schema, list):
            schemas += schema
        elif isinstance(schema, dict):
            if isinstance(properties := schema.get("properties"), dict):
                names.update(properties)
            schemas += schema.values()
    return frozenset(names)
