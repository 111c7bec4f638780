"""Decide on a note by the votes of judges: confirmed, refused, or still unproven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from contracts.errors import ErrorCode
from contracts.notes import CheckFailure, Standing, Voucher, VoucherKind
from grounding import CheckedNote
from grounding.text.words import truncate_text
from guardrail.judge_metrics import record_judge_votes
from guardrail.policy import JUDGES_DISAGREE, NOT_ENTAILED, NOT_JUDGED
from judging.questions import JudgeVerdict, NoteRuling

_MAX_REASON_CHARACTERS: Final = 300
"""Characters kept of a judging model's reason."""

_ABSENCES: Final = {
    None: "gave a ruling that does not count",
    ErrorCode.LLM_TIMEOUT: "gave no answer in time",
    ErrorCode.LLM_UNAVAILABLE: "could not be reached",
    ErrorCode.LLM_RATE_LIMITED: "could not be asked in time, by its rate limit",
    ErrorCode.BUDGET_EXCEEDED: "was not asked, as the budget is used up",
    ErrorCode.LLM_REFUSED: "refused to answer",
    ErrorCode.LLM_CONTENT_FILTERED: "was kept from answering by a content filter",
    ErrorCode.LLM_BAD_OUTPUT: "gave no answer that can be read",
    ErrorCode.LLM_CUT_OFF: "gave an answer that was cut off",
    ErrorCode.LLM_CONTEXT_TOO_LONG: "was not asked, as the question is too long for it",
}
"""Reasons why a vote is missing, by the error's code; None for a ruling that does not count."""


@dataclass(frozen=True, slots=True)
class VoteRule:
    """Rule of the judges' vote on a note: number of votes, and how many must agree.

    Attributes:
        votes: votes that there are on each note.
        needed: those that have to say the same; all of them, or fewer.
    """

    votes: int = 1
    needed: int = 1


@dataclass(frozen=True, slots=True)
class JudgeVote:
    """Vote of one judging model on one note; no ruling if the model did not answer.

    Attributes:
        model: the judge's model.
        ruling: what it says; None if it said nothing that counts.
        error: why it gave no answer that can be read; None if it did.
    """

    model: str
    ruling: NoteRuling | None
    error: ErrorCode | None = None

    @property
    def absence(self) -> str:
        """Why it has no ruling, as a phrase."""
        return _ABSENCES.get(self.error) or f"failed ({self.error})"


def apply_votes(
    checked: CheckedNote,
    votes: Sequence[JudgeVote],
    rule: VoteRule,
    *,
    shows_words: bool = True,
) -> CheckedNote:
    """Apply the judges' votes to a note; return it as confirmed, rejected or flagged.

    Args:
        checked: the note, unproven, with the checks that doubt it.
        votes: one a judge, absent ones included.
        rule: how many have to agree.
        shows_words: whether what the judges wrote is shown; nobody searched it for personal data,
            and judges see more than the note cites.
    """
    rulings = [one.ruling for one in votes if one.ruling is not None]
    if not shows_words:
        rulings = [replace(one, reason="", words="") for one in rulings]
    by_verdict = {
        verdict: [one for one in rulings if one.verdict is verdict] for verdict in JudgeVerdict
    }
    supporting = by_verdict[JudgeVerdict.SUPPORTED]
    contradicting = by_verdict[JudgeVerdict.CONTRADICTED]
    record_judge_votes([one.ruling for one in votes])
    count = f" {_describe_votes(votes, rule)}" if rule.votes > 1 else ""
    # With fewer needed than half, both may have enough: then they disagree.
    if len(supporting) >= rule.needed and len(contradicting) < rule.needed:
        return _confirm_note(checked, supporting, count)
    if len(contradicting) >= rule.needed and len(supporting) < rule.needed:
        return _reject_note(checked, contradicting[0], count)
    if not rulings:
        return _flag_note(checked, NOT_JUDGED, f"{_describe_absences(votes)}.{count}")
    if supporting:
        reason = f"The judging models do not agree on it, so that none confirms it.{count}"
        return _flag_note(checked, JUDGES_DISAGREE, reason)
    reason = f"A second model did not find that the cited words bear it out.{count}"
    return _flag_note(checked, NOT_ENTAILED, _add_words(reason, rulings[0]))


def _describe_votes(votes: Sequence[JudgeVote], rule: VoteRule) -> str:
    """Return in a sentence how many votes say what, and by which models."""
    rulings = [one.ruling for one in votes if one.ruling is not None]
    meanings = {
        JudgeVerdict.SUPPORTED: ("supports it", "support it"),
        JudgeVerdict.CONTRADICTED: ("contradicts it", "contradict it"),
        JudgeVerdict.NOT_SUPPORTED: ("does not find it borne out", "do not find it borne out"),
    }
    parts = [
        f"{len(models)} {meaning[len(models) > 1]} ({_list_names(models)})"
        for verdict, meaning in meanings.items()
        if (models := [one.model for one in rulings if one.verdict is verdict])
    ]
    if absent := [one for one in votes if one.ruling is None]:
        is_or_are = "are" if len(absent) > 1 else "is"
        parts.append(f"{len(absent)} {is_or_are} missing ({_describe_absences(absent)})")
    return f"Of {rule.votes} votes {_join_phrases(parts)}; {rule.needed} had to agree."


def _describe_absences(votes: Sequence[JudgeVote]) -> str:
    return _join_phrases([*dict.fromkeys(f"{one.model} {one.absence}" for one in votes)])


def _list_names(models: Sequence[str]) -> str:
    times = {model: models.count(model) for model in models}
    return ", ".join(
        f"{model}, {count} times" if count > 1 else model for model, count in times.items()
    )


def _join_phrases(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} and {last}" if others else last


def _confirm_note(
    checked: CheckedNote, supporting: Sequence[NoteRuling], count: str
) -> CheckedNote:
    """Return a note that enough judges support, with the checks it failed as flags."""
    names = list(dict.fromkeys(one.model for one in supporting))
    vouchers = tuple(
        Voucher(
            kind=VoucherKind.JUDGE,
            name=name,
            detail=f"{_describe_support(name, supporting)}{count}",
        )
        for name in names
    )
    who = " and ".join(names)
    flags = tuple(
        one.model_copy(update={"reason": f"{one.reason} {who} found it supported all the same."})
        for one in checked.failures
    )
    return replace(
        checked,
        failures=(),
        flags=(*checked.flags, *flags),
        standing=Standing.CONFIRMED,
        vouchers=vouchers,
    )


def _describe_support(name: str, supporting: Sequence[NoteRuling]) -> str:
    first, *others = [one for one in supporting if one.model == name]
    told = f"Asked whether what was said supports the statement, {name} answered that it does"
    if others:
        told += f", {len(others) + 1} times"
    words = truncate_text(first.words, _MAX_REASON_CHARACTERS)
    return f"{told}, by the words “{words}”." if words else f"{told}."


def _reject_note(checked: CheckedNote, ruling: NoteRuling, count: str) -> CheckedNote:
    """Add the judges' failed check to a note that what was said contradicts."""
    reason = f"A second model found that the cited words say otherwise.{count}"
    failure = _build_failure(checked, NOT_ENTAILED, _add_words(reason, ruling))
    return replace(checked, failures=(*checked.failures, failure))


def _flag_note(checked: CheckedNote, name: str, reason: str) -> CheckedNote:
    """Add a flag to a note that stays unproven, which says what the judges said."""
    return replace(checked, flags=(*checked.flags, _build_failure(checked, name, reason)))


def _add_words(reason: str, ruling: NoteRuling) -> str:
    said = truncate_text(" ".join(ruling.reason.split()), _MAX_REASON_CHARACTERS)
    return f"{reason} {ruling.model} says: “{said}”" if said else reason


def _build_failure(checked: CheckedNote, name: str, reason: str) -> CheckFailure:
    quotes = [one.masked_quote or one.quote for one in checked.evidence]
    return CheckFailure(
        check=name,
        reason=reason,
        claim=truncate_text(checked.statement),
        evidence=truncate_text(" … ".join(quotes)),
    )
