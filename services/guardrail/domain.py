"""Decide on a draft: notes to store, a second try by the model, or a dead letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contracts.content_bugs import convert_bugs_triggered_by_message
from contracts.errors import ErrorCode, RejectedError
from contracts.events import Event, NotesDrafted, NotesRejected, NotesValidated
from contracts.notes import CheckFailure, RejectedNote, Standing
from contracts.replay_options import (
    ReplayOverrides,
    choose_stricter_personal_data,
    choose_stricter_statements,
)
from contracts.study import PersonalData
from entailment import decide_notes_by_entailment, open_calibrated_model
from grounding import (
    INJECTION_CHECK_NAMES,
    CheckedNote,
    DraftAssessment,
    check_note,
    format_feedback,
    merge_equivalent_notes,
)
from grounding.privacy import PERSONAL_DATA, build_privacy_policy
from grounding.syntax.spacy_parser import load_spacy_parser
from grounding.text.terms import split_terms
from grounding.uncertainty import list_unsupported_words
from guardrail.metrics import record_note_standings
from guardrail.policy import OWN_WORDS, CheckPolicy

MAX_ATTEMPTS: Final = 2
"""Drafts the model may make of a chunk: the first, and one more with the reasons."""

_FEW: Final = 5
_INTERVIEWER: Final = "interviewer_words"
_CODES: Final = {PERSONAL_DATA: ErrorCode.PII} | dict.fromkeys(
    INJECTION_CHECK_NAMES, ErrorCode.INJECTION
)


@dataclass(frozen=True, slots=True)
class AssessmentOptions:
    """Options for checking drafts: the personal data policy, syntax parser, entailment model.

    Attributes:
        personal_data: what becomes of personal data in studies that do not say.
        heavy: whether sentences are parsed, for the checks that need it; takes the extra
            ``heavy-grounding``.
        entailment: the folder of a model that scores what the checks leave undecided; takes the
            extra ``entailment``.
    """

    personal_data: PersonalData = PersonalData.ALLOW
    heavy: bool = False
    entailment: Path | None = None


ASSESSMENT_ACTIVITY: Final = "assessing the draft"

DEFAULT_OPTIONS: Final = AssessmentOptions()
"""The options where none are given."""


def assess_draft(
    drafted: NotesDrafted, options: AssessmentOptions = DEFAULT_OPTIONS
) -> tuple[CheckedNote, ...]:
    """Check each note of a draft against the segments of its interview chunk; CPU-bound.

    Args:
        drafted: what the model offered.
        options: how.

    Returns:
        The notes in the draft's order, with what they cite and the checks they fail.

    Raises:
        BugTriggeredByMessageError: a check came upon what its author did not foresee, or the
            entailment model gave a score that is no number.
    """
    parse = load_spacy_parser() if options.heavy else None
    model = open_calibrated_model(options.entailment) if options.entailment else None
    with convert_bugs_triggered_by_message(ASSESSMENT_ACTIVITY):
        chunk = drafted.chunk
        apply = build_privacy_policy(chunk, options.personal_data).apply
        checked = tuple(check_note(draft, chunk, parse) for draft in drafted.notes)
        if model is not None:
            # Before anything is masked: the model reads what was said and what was drafted.
            checked = decide_notes_by_entailment(checked, chunk, model)
        return tuple(apply(one) for one in checked)


def tighten_policies(
    drafted: NotesDrafted, overrides: ReplayOverrides, default: PersonalData
) -> NotesDrafted:
    """Return a draft with its study's policies, or a replay's where those are stricter.

    Args:
        drafted: what the model offered.
        overrides: what a replay sets for it alone; what is more lenient than the study counts not.
        default: what becomes of personal data in studies that do not say.
    """
    if overrides.personal_data is None and overrides.statements is None:
        return drafted
    study = drafted.chunk.study
    policies = {
        "personal_data": choose_stricter_personal_data(
            study.personal_data, overrides.personal_data, default
        ),
        "statements": choose_stricter_statements(study.statements, overrides.statements),
    }
    chunk = drafted.chunk.model_copy(update={"study": study.model_copy(update=policies)})
    return drafted.model_copy(update={"chunk": chunk})


def build_result_events(
    drafted: NotesDrafted,
    checked_notes: Sequence[CheckedNote],
    policy: CheckPolicy,
    *,
    replays: int,
) -> tuple[Event, ...]:
    """Convert a draft's check results to events: accepted and rejected notes, or a retry.

    Good notes go on in any case, and refused ones with them, with their reasons. If too many are
    refused, or one whose check asks for it, the model is asked for another draft.

    Args:
        drafted: what the model offered.
        checked_notes: its notes, checked, in order.
        policy: what a failed check means.
        replays: how often an operator has replayed this draft; each buys the model another try.

    Returns:
        The accepted and the refused notes, and the request for another draft, if there is one.

    Raises:
        RejectedError: too much was refused, and the model has had its last try. It brings the
            notes that are good.
    """
    looked_at = [_flag_unsupported_words(one, policy) for one in checked_notes]
    assessment = merge_equivalent_notes(
        accepted=(
            one.to_note(policy.list_flags(one.failures))
            for one in looked_at
            if not policy.rejects(one.failures)
        ),
        rejected=(one.to_rejected_note() for one in looked_at if policy.rejects(one.failures)),
    )
    record_note_standings(assessment)
    too_much = policy.exceeds_rejected_share(
        refused=len(assessment.rejected), accepted=len(assessment.accepted)
    )
    asked_for = any(policy.requests_redraft(one.failures) for one in assessment.rejected)
    if not too_much and not asked_for:
        return (_build_validated_event(drafted, assessment, final=True),)
    if drafted.attempt < MAX_ATTEMPTS + replays:
        return (
            _build_validated_event(drafted, assessment, final=False),
            _build_rejected_event(drafted, assessment),
        )
    if not too_much:
        return (_build_validated_event(drafted, assessment, final=True),)
    raise RejectedError(
        _summarize_rejections(drafted, assessment.rejected),
        code=_choose_error_code(assessment.rejected),
        salvaged=(_build_validated_event(drafted, assessment, final=False),),
    )


def _flag_unsupported_words(checked_notes: CheckedNote, policy: CheckPolicy) -> CheckedNote:
    """Add a failed check to an unproven note with words that no quote has.

    Also to a confirmed one, where operators have set that such words are refused.
    """
    looked_at = {Standing.UNPROVEN}
    if policy.refuses_own_words():
        looked_at.add(Standing.CONFIRMED)
    if (
        checked_notes.failures
        or checked_notes.standing not in looked_at
        or not (own := list_unsupported_words(checked_notes))
    ):
        return checked_notes
    # The draft's words, so without those that are masked.
    shown = {term.text for term in split_terms(checked_notes.statement)}
    listed_words = (
        ", ".join([word for word in own if word in shown][:_FEW]) or "a word that is masked"
    )
    failure = CheckFailure(
        check=OWN_WORDS,
        reason=f"None of the cited words is, or is a form of: {listed_words}.",
        claim=checked_notes.statement,
    )
    return replace(checked_notes, failures=(failure,))


def _build_rejected_event(drafted: NotesDrafted, assessment: DraftAssessment) -> NotesRejected:
    return NotesRejected(
        chunk=drafted.chunk,
        attempt=drafted.attempt,
        rejected=assessment.rejected,
        feedback=format_feedback(assessment.rejected),
    )


def _build_validated_event(
    drafted: NotesDrafted, assessment: DraftAssessment, *, final: bool
) -> NotesValidated:
    chunk = drafted.chunk
    return NotesValidated(
        chunk_id=chunk.chunk_id,
        transcript_id=chunk.transcript_id,
        revision=chunk.revision,
        study_id=chunk.study.study_id,
        attempt=drafted.attempt,
        final=final,
        notes=assessment.accepted,
        rejected=assessment.rejected,
        model=drafted.model,
        model_fingerprint=drafted.model_fingerprint,
        prompt_version=drafted.prompt_version,
        usage=drafted.usage,
    )


def _choose_error_code(rejected: Iterable[RejectedNote]) -> ErrorCode:
    """Return the error code that most rejected notes have."""
    codes = Counter(_get_error_code(note) for note in rejected)
    return max(codes, key=lambda code: codes[code])


def _get_error_code(note: RejectedNote) -> ErrorCode:
    checks = [failure.check for failure in note.failures]
    # Interviewers ask and give instructions, as is their role: that is no injection.
    if _INTERVIEWER in checks:
        return ErrorCode.UNGROUNDED
    codes = (_CODES.get(check) for check in checks)
    return next((code for code in codes if code is not None), ErrorCode.UNGROUNDED)


def _summarize_rejections(drafted: NotesDrafted, rejected: Sequence[RejectedNote]) -> str:
    """Return one line for the dead letter: how many notes, which checks; never their words."""
    checks = Counter(failure.check for note in rejected for failure in note.failures)
    counts = ", ".join(f"{check} ({count})" for check, count in sorted(checks.items()))
    rejected_share = f"{len(rejected)} of {len(drafted.notes)} notes refused"
    return f"draft {drafted.attempt}: {rejected_share}: {counts}"
