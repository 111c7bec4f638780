"""Explains one note: its claim, its evidence, and the result of each check."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import (
    CheckFailure,
    DraftEvidence,
    DraftNote,
    Evidence,
    Note,
    Standing,
    Voucher,
    shows_statement,
)
from contracts.study import PersonalData, Study
from contracts.transcript import Segment
from database.pool import Database, Record
from database.queries import load_queries
from grounding import CHECKS, check_note, recheck_note
from grounding.evidence import resolve_citations
from grounding.syntax.spacy_parser import load_spacy_parser
from spacy_models import is_spacy_installed

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "explanation.sql")

_DIGITS: Final = 32
"""Hexadecimal digits of an id."""

_CONTEXT: Final = 10
"""Turns before the chunk that are read for the labels of who speaks there."""


@dataclass(frozen=True, slots=True)
class NoteMatch:
    """Accepted or rejected note found by the first digits of its id."""

    kind: str
    id: UUID
    statement: str
    standing: Standing
    study_id: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check of a note: when the note was stored, and with the current code.

    Attributes:
        check: its name.
        rule: what a note has to fulfil.
        then: its failure when the guardrail decided; None if it passed.
        today: its failure with the checks as they are now.
        is_asked: whether it was asked again; what takes a parser or model that is not here is not.
    """

    check: str
    rule: str
    then: CheckFailure | None
    today: CheckFailure | None
    is_asked: bool


@dataclass(frozen=True, slots=True)
class NoteOrigin:
    """Origin of a note: its interview, chunk, model and prompt version."""

    transcript_id: UUID
    revision: int
    title: str
    study: Study
    chunk_index: int
    chunk_count: int
    attempt: int
    model: str
    prompt_version: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class NoteExplanation:
    """Explanation of a note: its statement, evidence, origin and check results.

    Attributes:
        id: of the note, or of the refused note.
        state: ``accepted``, ``flagged``, ``masked`` or ``refused``.
        statement: what it claims.
        evidence: the quotes it cites that are there.
        cited: what the model named, where it was refused.
        missing: those of them that are not there.
        checks: all of them, in the order in which they are asked.
        same_as: the duplicate note that is shown in its place.
        origin: where it is from.
        standing: what vouches for the statement.
        vouchers: the rules and models that do.
        edited_by: who wrote the statement; None: the model did.
    """

    id: UUID
    state: str
    statement: str
    evidence: tuple[Evidence, ...]
    cited: DraftNote | None
    missing: tuple[DraftEvidence, ...]
    checks: tuple[CheckResult, ...]
    same_as: UUID | None
    origin: NoteOrigin
    standing: Standing
    vouchers: tuple[Voucher, ...] = ()
    edited_by: str | None = None

    @property
    def is_statement_shown(self) -> bool:
        """Whether the study shows the statement as a finding."""
        return shows_statement(self.standing, self.origin.study.statements)

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs; what is no finding is the model's reading."""
        origin = {**asdict(self.origin), "study": self.origin.study.study_id}
        return {
            "id": self.id,
            "state": self.state,
            "statement": self.statement if self.is_statement_shown else None,
            "model_reading": None if self.is_statement_shown else self.statement,
            "standing": self.standing,
            "vouchers": [one.model_dump(mode="json") for one in self.vouchers],
            "edited_by": self.edited_by,
            "evidence": [one.model_dump(mode="json") for one in self.evidence],
            "cited": self.cited and self.cited.model_dump(mode="json")["evidence"],
            "checks": [
                {
                    "check": one.check,
                    "rule": one.rule,
                    "then": one.then and one.then.model_dump(),
                    "today": one.today and one.today.model_dump(),
                    "is_asked": one.is_asked,
                }
                for one in self.checks
            ],
            "same_as": self.same_as,
            **origin,
            "stored_at": self.origin.stored_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class NoteWithChunk:
    """Note as it is stored, with what it takes to check words about it.

    Attributes:
        note: the note.
        chunk: the segments that it was drafted from, and who speaks in the interview.
        state: hash of what it says, in which revision and where its quotes stand.
        policies: on personal data, of the revision, the current one and the registered study, as
            far as they say something.
    """

    note: Note
    chunk: ChunkReady
    state: str
    policies: tuple[PersonalData, ...]


class FunctionRunner(Protocol):
    """Interface of functions that run a function off the event loop, like ``to_thread``."""

    async def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """Return what the function returns; it and its arguments may be pickled."""
        ...


class ExplanationQueries:
    """Queries that read a note from PostgreSQL and check it again with the current code.

    Args:
        database: where notes and transcripts are.
        compute: runs the checks.
    """

    def __init__(self, database: Database, compute: FunctionRunner = asyncio.to_thread) -> None:
        self._database = database
        self._compute = compute

    async def find(self, beginning: str, studies: Collection[str] | None = None) -> list[NoteMatch]:
        """Notes and refused notes whose id begins with some hexadecimal digits; at most ten.

        Args:
            beginning: 1 to 32 digits.
            studies: only in these; None: in all.
        """
        rows = await self._database.fetch(
            _QUERIES.find_notes,
            UUID(beginning.ljust(_DIGITS, "0")),
            UUID(beginning.ljust(_DIGITS, "f")),
            None if studies is None else [*studies],
        )
        return [
            NoteMatch(
                row["kind"], row["id"], row["statement"], Standing(row["standing"]), row["study_id"]
            )
            for row in rows
        ]

    async def explain(self, one: NoteMatch) -> NoteExplanation:
        """Explain a note that there is."""
        if one.kind == "note":
            return await self._accepted(one.id)
        return await self._refused(one.id)

    async def note_with_chunk(self, key: UUID) -> NoteWithChunk:
        """A note that there is, with the segments that it was drafted from."""
        note, row = await self._note(key)
        origin = await self._origin_row(row)
        _, chunk = await self._build_origin(row, origin)
        policies = tuple(PersonalData(one) for one in origin["policies"])
        return NoteWithChunk(note, chunk, row["state"], policies)

    async def _note(self, key: UUID) -> tuple[Note, Record]:
        row = await self._database.fetchrow(_QUERIES.select_note, key)
        assert row is not None, "whoever asks has found it"
        note = Note(
            note_id=key,
            statement=row["statement"],
            evidence=tuple(Evidence(**one) for one in json.loads(row["evidence"])),
            themes=tuple(row["themes"]),
            questions=tuple(row["questions"]),
            flags=tuple(CheckFailure(**one) for one in json.loads(row["flags"])),
            standing=Standing(row["standing"]),
            vouchers=tuple(Voucher(**one) for one in json.loads(row["vouchers"])),
        )
        return note, row

    async def _accepted(self, key: UUID) -> NoteExplanation:
        note, row = await self._note(key)
        origin, chunk = await self._origin(row)
        masked = any(one.masked_quote is not None for one in note.evidence)
        again: RecheckedNote = await self._compute(rerun_checks, None if masked else note, chunk)
        return NoteExplanation(
            id=key,
            state="masked" if masked else "flagged" if note.flags else "accepted",
            statement=note.statement,
            evidence=note.evidence,
            cited=None,
            missing=(),
            # A masked statement is not what the checks have read.
            checks=_compare_checks(note.flags, note.flags if masked else again.failures, again),
            same_as=row["same_as"],
            origin=origin,
            standing=note.standing,
            vouchers=note.vouchers,
            edited_by=row["edited_by"],
        )

    async def _refused(self, key: UUID) -> NoteExplanation:
        row = await self._database.fetchrow(_QUERIES.select_refused, key)
        assert row is not None, "refused notes are not deleted one by one"
        draft = DraftNote.model_validate_json(row["draft"])
        origin, chunk = await self._origin(row)
        again: RecheckedNote = await self._compute(rerun_checks, draft, chunk)
        failures = tuple(CheckFailure(**one) for one in json.loads(row["failures"]))
        return NoteExplanation(
            id=key,
            state="refused",
            statement=draft.statement,
            evidence=again.evidence,
            cited=draft,
            missing=again.missing,
            checks=_compare_checks(failures, again.failures, again),
            same_as=None,
            origin=origin,
            standing=Standing.REFUTED,
        )

    async def _origin(self, note: Record) -> tuple[NoteOrigin, ChunkReady]:
        return await self._build_origin(note, await self._origin_row(note))

    async def _origin_row(self, note: Record) -> Record:
        row = await self._database.fetchrow(
            _QUERIES.select_origin, note["chunk_id"], note["attempt"]
        )
        assert row is not None, "each note has its chunk and its draft"
        return row

    async def _build_origin(self, note: Record, row: Record) -> tuple[NoteOrigin, ChunkReady]:
        study = Study.model_validate_json(row["study"])
        first, last = row["first_segment"], row["last_segment"]
        turns = [
            Segment(**dict(turn))
            for turn in await self._database.fetch(
                _QUERIES.select_turns,
                row["transcript_id"],
                row["revision"],
                max(1, first - _CONTEXT),
                last,
            )
        ]
        chunk = ChunkReady(
            chunk_id=note["chunk_id"],
            transcript_id=row["transcript_id"],
            revision=row["revision"],
            index=row["index"],
            chunk_count=row["chunk_count"],
            title=row["title"],
            study=study,
            context=tuple(turn for turn in turns if turn.number < first),
            segments=tuple(turn for turn in turns if turn.number >= first),
            speakers=tuple(row["speakers"]),
        )
        return _build_origin(row, study, note["attempt"]), chunk


@dataclass(frozen=True, slots=True)
class RecheckedNote:
    """Result of checking a note again with the current code.

    Attributes:
        failures: of the checks that it does not pass.
        evidence: of a draft, the quotes it cites that are there.
        missing: of a draft, those that are not there.
        is_parsed: whether the checks that take a parser were among them.
    """

    failures: tuple[CheckFailure, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[DraftEvidence, ...] = ()
    is_parsed: bool = False


def rerun_checks(note: Note | DraftNote | None, chunk: ChunkReady) -> RecheckedNote:
    """Run the current version of the checks on a note or draft note; CPU-bound.

    Args:
        note: the note; None where its checks are not to be asked again.
        chunk: with the segments that it cites.
    """
    parse = load_spacy_parser() if is_spacy_installed() else None
    is_parsed = parse is not None
    if isinstance(note, DraftNote):
        checked = check_note(note, chunk, parse)
        missing = tuple(one.cited for one in resolve_citations(note.evidence, chunk).missing)
        return RecheckedNote(tuple(checked.failures), tuple(checked.evidence), missing, is_parsed)
    failures = () if note is None else tuple(recheck_note(note, chunk, parse))
    return RecheckedNote(failures, is_parsed=is_parsed)


def _compare_checks(
    then: Sequence[CheckFailure], today: Sequence[CheckFailure], again: RecheckedNote
) -> tuple[CheckResult, ...]:
    """Return every check with its result then and today; removed checks come last.

    Checks that need what is absent here, such as a parser or the judge, keep their old result.
    """
    before, now = _by_name(then), _by_name(today)
    rules = {check.name: check.rule for check in CHECKS}
    asked = {one.name for one in CHECKS if again.is_parsed or not one.is_heavy}
    return tuple(
        CheckResult(
            check=name,
            rule=rules.get(name, ""),
            then=before.get(name),
            today=now.get(name) if name in asked else before.get(name),
            is_asked=name in asked,
        )
        for name in dict.fromkeys((*rules, *before))
    )


def _build_origin(row: Record, study: Study, attempt: int) -> NoteOrigin:
    return NoteOrigin(
        transcript_id=row["transcript_id"],
        revision=row["revision"],
        title=row["title"],
        study=study,
        chunk_index=row["index"],
        chunk_count=row["chunk_count"],
        attempt=attempt,
        model=row["model"],
        prompt_version=row["prompt_version"],
        stored_at=row["stored_at"],
    )


def _by_name(failures: Sequence[CheckFailure]) -> Mapping[str, CheckFailure]:
    return {one.check: one for one in failures}
