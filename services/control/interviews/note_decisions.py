"""Stores people's decisions about notes, and checks what they write as models' notes are checked.

A decision is added to those before it, and PostgreSQL computes what they come to: which note is
shown, and which is left out (`decide_note`). The rows of models are never changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from contracts.errors import OnrecordError
from contracts.events import ChunkReady
from contracts.note_decisions import MAX_DECISIONS, DecideNoteRequest
from contracts.notes import CheckFailure, Note, Standing, Voucher
from contracts.study import PersonalData
from control.domain import BadRequestError, ConcurrentChangeError, NotFoundError
from control.queries import load_control_queries
from database.pool import Database
from grounding import DOUBT_NAMES, check_statement
from grounding.privacy import build_privacy_policy
from grounding.syntax.spacy_parser import load_spacy_parser
from read_model.explanation import ExplanationQueries, FunctionRunner
from read_model.note_decisions import NoteDecisionQueries
from spacy_models import is_spacy_installed

_QUERIES: Final = load_control_queries("note_decisions.sql")


class StatementRefusedError(OnrecordError):
    """Raised when a check refuses a person's statement, or nothing vouches for it (HTTP 422)."""


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """Statement that a person wrote, after its checks.

    Attributes:
        statement: as readers see it: masked where the study masks personal data.
        standing: what vouches for it.
        vouchers: the rules that do.
        failures: the checks that it did not pass.
    """

    statement: str
    standing: Standing
    vouchers: tuple[Voucher, ...]
    failures: tuple[CheckFailure, ...]

    @property
    def refusals(self) -> tuple[CheckFailure, ...]:
        """Failures of checks that refuse; the others only doubt."""
        return tuple(one for one in self.failures if one.check not in DOUBT_NAMES)


def check_edited_statement(note: Note, statement: str, chunk: ChunkReady) -> CheckedStatement:
    """Check a new statement of a note against the note's own quotes; CPU-bound.

    Where neither the study nor the note says what becomes of personal data, it is allowed; the
    quotes of a note that the guardrail masked say so.
    """
    parse = load_spacy_parser() if is_spacy_installed() else None
    checked = check_statement(note, statement, chunk, parse)
    is_masked = any(one.masked_quote is not None for one in note.evidence)
    default = PersonalData.MASK if is_masked else PersonalData.ALLOW
    policy = build_privacy_policy(chunk, default)
    if is_masked and policy.policy is PersonalData.ALLOW:
        policy = replace(policy, policy=PersonalData.MASK)
    checked = policy.apply(checked)
    is_doubted = bool(checked.failures)
    return CheckedStatement(
        checked.statement,
        Standing.UNPROVEN if is_doubted else checked.standing,
        () if is_doubted else checked.vouchers,
        checked.failures,
    )


class NoteDecisionStore:
    """Store of people's decisions about notes.

    Args:
        database: where notes and decisions are; its login is an evidence reader.
        compute: runs the checks of what people write.
    """

    def __init__(self, database: Database, compute: FunctionRunner) -> None:
        self._database = database
        self._compute = compute

    async def check(self, note_id: UUID, wanted: DecideNoteRequest) -> CheckedStatement | None:
        """Check what an edit says; None for a decision that is none.

        Raises:
            StatementRefusedError: a check refuses it, or nothing vouches for it and that was not
                asked for.
        """
        if wanted.statement is None:
            return None
        note, chunk = await ExplanationQueries(self._database).note_with_chunk(note_id)
        checked: CheckedStatement = await self._compute(
            check_edited_statement, note, wanted.statement, chunk
        )
        if checked.refusals:
            raise StatementRefusedError(
                f"the statement is refused: {_list_failures(checked.refusals)}"
            )
        if checked.standing is Standing.UNPROVEN and not wanted.unproven:
            doubts = f" ({_list_failures(checked.failures)})" if checked.failures else ""
            raise StatementRefusedError(
                f"nothing vouches for the statement{doubts}: use the quotes' own words, or set "
                "unproven (--unproven), by which it is stored and shown as not proven"
            )
        return checked

    async def decide(
        self,
        note_id: UUID,
        expected: int | None,
        wanted: DecideNoteRequest,
        checked: CheckedStatement | None,
        decided_by: str,
    ) -> int:
        """Store a decision about a current note; return its number.

        Args:
            note_id: the note that is shown, or left out.
            expected: number of the latest decision that was read; None: whatever it is.
            wanted: the decision.
            checked: of an edit, the statement after its checks.
            decided_by: whose decision it is.

        Raises:
            NotFoundError: there is no such note in a current revision.
            ConcurrentChangeError: somebody decided something else since.
            BadRequestError: what is to be withdrawn is not there, or there are too many decisions.
        """
        known = await NoteDecisionQueries(self._database).decisions(note_id)
        if max(expected or 0, 0 if known is None else known.version) >= MAX_DECISIONS:
            raise BadRequestError(f"a note has {MAX_DECISIONS:,} decisions at most")
        flags = None
        if checked is not None:
            flags = json.dumps([one.model_dump(mode="json") for one in checked.failures])
        row = await self._database.fetchrow(
            _QUERIES.decide_note,
            *(note_id, expected, wanted.kind.value),
            checked and checked.statement,
            checked and checked.standing.value,
            checked and json.dumps([one.model_dump(mode="json") for one in checked.vouchers]),
            flags,
            *(_list_ids(wanted.themes), _list_ids(wanted.questions)),
            *(wanted.withdraws, wanted.comment or wanted.reason or "", decided_by),
        )
        assert row is not None, "the function returns one"
        if row["outcome"] == "missing":
            raise NotFoundError(f"there is no current note {note_id}")
        if row["outcome"] == "changed":
            raise ConcurrentChangeError(
                f"somebody decided about this note meanwhile: its latest decision is number "
                f"{row['version']}, not {expected}; read them again"
            )
        if row["outcome"] == "nothing":
            raise BadRequestError(
                f"withdraws: the note has no decision {wanted.withdraws} that counts"
            )
        return int(row["version"])


def require_topics(
    wanted: DecideNoteRequest, themes: Iterable[str], questions: Iterable[str]
) -> None:
    """Refuse themes and questions that the study does not have.

    Raises:
        BadRequestError: it does not have one of them.
    """
    asked = (("themes", wanted.themes, [*themes]), ("questions", wanted.questions, [*questions]))
    for name, named, known in asked:
        for one in named or ():
            if one not in known:
                raise BadRequestError(
                    f"{name}: the study has no {one!r}; it has {', '.join(known) or 'none'}"
                )


def _list_ids(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else [*dict.fromkeys(ids)]


def _list_failures(failures: Iterable[CheckFailure]) -> str:
    return "; ".join(
        f"{one.check}: {one.reason}" + (f" (“{one.claim}”)" if one.claim else "")
        for one in failures
    )
