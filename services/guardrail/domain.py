"""What becomes of a draft: notes to store, a second try, or a dead letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.content_bugs import raise_content_bugs
from contracts.errors import ErrorCode, RejectedError
from contracts.events import Event, NotesDrafted, NotesRejected, NotesValidated
from contracts.notes import CheckFailure, RejectedNote
from contracts.study import PersonalData
from grounding import (
    INJECTION_CHECK_NAMES,
    CheckedNote,
    DraftAssessment,
    check_note,
    format_feedback,
    merge_notes,
)
from grounding.syntax.spacy_parser import load_parser
from grounding.text.terms import split_terms
from grounding.uncertainty import list_unsupported_words
from guardrail.personal import discretion
from guardrail.policy import OWN_WORDS, PERSONAL_DATA, Policy

ATTEMPTS: Final = 2
"""Drafts the model may make of a chunk: the first, and one more with the reasons."""

_FEW: Final = 5
_INTERVIEWER: Final = "interviewer_words"
_CODES: Final = {PERSONAL_DATA: ErrorCode.PII} | dict.fromkeys(
    INJECTION_CHECK_NAMES, ErrorCode.INJECTION
)


@dataclass(frozen=True, slots=True)
class Standards:
    """How drafts are assessed.

    Attributes:
        personal_data: what becomes of personal data in studies that do not say.
        heavy: whether sentences are parsed, for the checks that need it; takes the extra
            ``heavy-grounding``.
    """

    personal_data: PersonalData = PersonalData.ALLOW
    heavy: bool = False


ASSESSING: Final = "assessing the draft"

LIGHT: Final = Standards()
"""The standards where nothing is said."""


def assess(drafted: NotesDrafted, standards: Standards = LIGHT) -> tuple[CheckedNote, ...]:
    """Hold each note of a draft against its chunk: the part that takes CPU, and only that.

    Args:
        drafted: what the model offered.
        standards: how.

    Returns:
        The notes in the draft's order, with what they cite and the checks they fail.

    Raises:
        ContentBugError: a check came upon what its author did not foresee.
    """
    parse = load_parser() if standards.heavy else None
    with raise_content_bugs(ASSESSING):
        chunk = drafted.chunk
        apply = discretion(chunk, standards.personal_data).apply
        return tuple(apply(check_note(draft, chunk, parse)) for draft in drafted.notes)


def decide(
    drafted: NotesDrafted, weighed: Sequence[CheckedNote], policy: Policy, *, replays: int
) -> tuple[Event, ...]:
    """Decide on a draft.

    Good notes go on in any case, and refused ones with them, with their reasons. If too many are
    refused, or one whose check asks for it, the model is asked for another draft.

    Args:
        drafted: what the model offered.
        weighed: its notes, weighed.
        policy: what a failed check means.
        replays: how often an operator has replayed this draft; each buys the model another try.

    Returns:
        The accepted and the refused notes, and the request for another draft, if there is one.

    Raises:
        RejectedError: too much was refused, and the model has had its last try. It brings the
            notes that are good.
    """
    looked_at = [_worded(one) for one in weighed]
    judgement = merge_notes(
        accepted=(
            one.to_note(policy.flags(one.failures))
            for one in looked_at
            if not policy.refuses(one.failures)
        ),
        rejected=(one.to_rejected_note() for one in looked_at if policy.refuses(one.failures)),
    )
    too_much = policy.is_too_much(refused=len(judgement.rejected), accepted=len(judgement.accepted))
    asked_for = any(policy.asks_again(one.failures) for one in judgement.rejected)
    if not too_much and not asked_for:
        return (_validated(drafted, judgement, final=True),)
    if drafted.attempt < ATTEMPTS + replays:
        return (_validated(drafted, judgement, final=False), _rejected(drafted, judgement))
    if not too_much:
        return (_validated(drafted, judgement, final=True),)
    raise RejectedError(
        _explain(drafted, judgement.rejected),
        code=_code(judgement.rejected),
        salvaged=(_validated(drafted, judgement, final=False),),
    )


def _worded(weighed: CheckedNote) -> CheckedNote:
    """The note, with a failed check more if it has words of its own that nobody has looked at."""
    if weighed.failures or weighed.is_judged or not (own := list_unsupported_words(weighed)):
        return weighed
    # The draft's words, so without those that are masked.
    shown = {term.text for term in split_terms(weighed.statement)}
    told = ", ".join([word for word in own if word in shown][:_FEW]) or "a word that is masked"
    failure = CheckFailure(
        check=OWN_WORDS,
        reason=f"None of the cited words is, or is a form of: {told}.",
        claim=weighed.statement,
    )
    return replace(weighed, failures=(failure,))


def _rejected(drafted: NotesDrafted, judgement: DraftAssessment) -> NotesRejected:
    return NotesRejected(
        chunk=drafted.chunk,
        attempt=drafted.attempt,
        rejected=judgement.rejected,
        feedback=format_feedback(judgement.rejected),
    )


def _validated(drafted: NotesDrafted, judgement: DraftAssessment, *, final: bool) -> NotesValidated:
    chunk = drafted.chunk
    return NotesValidated(
        chunk_id=chunk.chunk_id,
        transcript_id=chunk.transcript_id,
        revision=chunk.revision,
        study_id=chunk.study.study_id,
        attempt=drafted.attempt,
        final=final,
        notes=judgement.accepted,
        rejected=judgement.rejected,
        model=drafted.model,
        model_fingerprint=drafted.model_fingerprint,
        prompt_version=drafted.prompt_version,
        usage=drafted.usage,
    )


def _code(rejected: Iterable[RejectedNote]) -> ErrorCode:
    """What refused most notes: a note of injection or personal data is that, whatever else."""
    codes = Counter(_code_of(note) for note in rejected)
    return max(codes, key=lambda code: codes[code])


def _code_of(note: RejectedNote) -> ErrorCode:
    checks = [failure.check for failure in note.failures]
    if _INTERVIEWER in checks:  # who asks and tells people what to do, which is no injection
        return ErrorCode.UNGROUNDED
    codes = (_CODES.get(check) for check in checks)
    return next((code for code in codes if code is not None), ErrorCode.UNGROUNDED)


def _explain(drafted: NotesDrafted, rejected: Sequence[RejectedNote]) -> str:
    """One line for the dead letter: how many notes, and which checks; never their words."""
    checks = Counter(failure.check for note in rejected for failure in note.failures)
    told = ", ".join(f"{check} ({count})" for check, count in sorted(checks.items()))
    return f"draft {drafted.attempt}: {len(rejected)} of {len(drafted.notes)} notes refused: {told}"
