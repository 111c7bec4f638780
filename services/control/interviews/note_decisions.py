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
from contracts.note_decisions import MAX_DECISIONS, DecideNoteRequest
from contracts.notes import CheckFailure, Standing, Voucher
from contracts.study import PersonalData
from control.domain import BadRequestError, ConcurrentChangeError, NotFoundError
from control.queries import load_control_queries
from database.pool import Database
from grounding import DOUBT_NAMES, check_statement
from grounding.privacy import PrivacyPolicy, build_privacy_policy
from grounding.syntax.spacy_parser import load_spacy_parser
from read_model.explanation import ExplanationQueries, FunctionRunner, NoteWithChunk
from read_model.note_decisions import NoteDecisionQueries
from spacy_models import is_spacy_installed

_QUERIES: Final = load_control_queries("note_decisions.sql")

_STRICTNESS: Final = (PersonalData.ALLOW, PersonalData.MASK, PersonalData.REJECT)


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


@dataclass(frozen=True, slots=True)
class CheckedDecision:
    """What a person wrote with a decision, after its checks.

    Attributes:
        remark: the comment, or why; masked where the study masks personal data.
        statement: of an edit, the statement; None for a decision that is none.
        state: of an edit, the hash of what the note said when it was checked.
    """

    remark: str = ""
    statement: CheckedStatement | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class ReadDecisions:
    """What somebody had read when they decided.

    Attributes:
        version: number of the latest decision.
        state: hash of what the note said; empty if it was not shown.
    """

    version: int
    state: str


def check_edited_statement(found: NoteWithChunk, statement: str) -> CheckedStatement:
    """Check a new statement of a note against the note's own quotes; CPU-bound."""
    parse = load_spacy_parser() if is_spacy_installed() else None
    checked = check_statement(found.note, statement, found.chunk, parse)
    checked = _build_policy(found).apply(checked)
    is_doubted = bool(checked.failures)
    return CheckedStatement(
        checked.statement,
        Standing.UNPROVEN if is_doubted else checked.standing,
        () if is_doubted else checked.vouchers,
        checked.failures,
    )


def check_remark(found: NoteWithChunk, remark: str) -> tuple[str, str]:
    """Return a comment or reason as the study wants it, and what it refuses in it; CPU-bound."""
    policy = _build_policy(found)
    if policy.policy is PersonalData.REJECT:
        return remark, policy.list_kinds(remark)
    return (policy.mask(remark) if policy.policy is PersonalData.MASK else remark), ""


def _build_policy(found: NoteWithChunk) -> PrivacyPolicy:
    """Build the strictest policy on personal data of those that count for a note.

    Where neither a study nor the note says what becomes of personal data, it is allowed; the quotes
    of a note that the guardrail masked say so.
    """
    is_masked = any(one.masked_quote is not None for one in found.note.evidence)
    own = PersonalData.MASK if is_masked else PersonalData.ALLOW
    strictest = max((own, *found.policies), key=_STRICTNESS.index)
    return replace(build_privacy_policy(found.chunk, strictest), policy=strictest)


class NoteDecisionStore:
    """Store of people's decisions about notes.

    Args:
        database: where notes and decisions are; its login is an evidence reader.
        compute: runs the checks of what people write.
    """

    def __init__(self, database: Database, compute: FunctionRunner) -> None:
        self._database = database
        self._compute = compute

    async def check(self, note_id: UUID, wanted: DecideNoteRequest) -> CheckedDecision:
        """Check what somebody writes with a decision: a statement, a comment, why.

        Raises:
            StatementRefusedError: a check refuses it, or nothing vouches for a statement and that
                was not asked for, or the study does not want the personal data in it.
        """
        remark = wanted.comment or wanted.reason or ""
        if wanted.statement is None and not remark:
            return CheckedDecision()
        found = await ExplanationQueries(self._database).note_with_chunk(note_id)
        if remark:
            remark, refused = await self._compute(check_remark, found, remark)
            if refused:
                raise StatementRefusedError(
                    f"the {'comment' if wanted.comment else 'reason'} has personal data "
                    f"({refused}), which this study does not want: write about the participant"
                )
        if wanted.statement is None:
            return CheckedDecision(remark)
        checked: CheckedStatement = await self._compute(
            check_edited_statement, found, wanted.statement
        )
        _require_vouched(checked, unproven=wanted.unproven)
        return CheckedDecision(remark, checked, found.state)

    async def decide(
        self,
        note_id: UUID,
        expected: ReadDecisions | None,
        wanted: DecideNoteRequest,
        checked: CheckedDecision,
        decided_by: str,
    ) -> int:
        """Store a decision about a current note; return its number.

        Of a note that is not shown any more, decisions can be withdrawn and commented on, by the id
        of the note that was decided about first.

        Args:
            note_id: the note that is shown, or left out.
            expected: what was read; None: whatever it is.
            wanted: the decision.
            checked: what was written, after its checks.
            decided_by: whose decision it is.

        Raises:
            NotFoundError: there is no such note in a current revision.
            ConcurrentChangeError: somebody decided something else since, or the note is not what
                was read or checked.
            BadRequestError: what is to be withdrawn is not there, or there are too many decisions.
        """
        known = await NoteDecisionQueries(self._database).decisions(note_id)
        read = 0 if expected is None else expected.version
        if max(read, 0 if known is None else known.version) >= MAX_DECISIONS:
            raise BadRequestError(f"a note has {MAX_DECISIONS:,} decisions at most")
        states = {None if expected is None else expected.state, checked.state} - {None}
        row = await self._database.fetchrow(
            _QUERIES.decide_note,
            *(note_id, None if expected is None else expected.version, wanted.kind.value),
            *_list_statement_fields(checked.statement),
            *(_list_ids(wanted.themes), _list_ids(wanted.questions)),
            *(wanted.withdraws, checked.remark, decided_by, [*states]),
        )
        assert row is not None, "the function returns one"
        if row["outcome"] == "missing":
            raise NotFoundError(f"there is no current note {note_id}")
        if row["outcome"] == "changed":
            raise ConcurrentChangeError(
                f"somebody decided about this note meanwhile: its latest decision is number "
                f"{row['version']}, not {read}; read them again"
            )
        if row["outcome"] == "other":
            raise ConcurrentChangeError(
                "the note is not what was read: its statement, revision or quotes are others now; "
                "read it again"
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


def _require_vouched(checked: CheckedStatement, *, unproven: bool) -> None:
    if checked.refusals:
        raise StatementRefusedError(f"the statement is refused: {_list_failures(checked.refusals)}")
    if checked.standing is Standing.UNPROVEN and not unproven:
        doubts = f" ({_list_failures(checked.failures)})" if checked.failures else ""
        raise StatementRefusedError(
            f"nothing vouches for the statement{doubts}: use the quotes' own words, or set "
            "unproven (--unproven), by which it is stored and shown as not proven"
        )


def _list_statement_fields(checked: CheckedStatement | None) -> tuple[str | None, ...]:
    if checked is None:
        return (None,) * 4
    vouchers, failures = (
        json.dumps([one.model_dump(mode="json") for one in found])
        for found in (checked.vouchers, checked.failures)
    )
    return checked.statement, checked.standing.value, vouchers, failures


def _list_ids(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else [*dict.fromkeys(ids)]


def _list_failures(failures: Iterable[CheckFailure]) -> str:
    return "; ".join(
        f"{one.check}: {one.reason}" + (f" (“{one.claim}”)" if one.claim else "")
        for one in failures
    )
