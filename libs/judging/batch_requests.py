"""Requests that ask a judging model about several notes at once, and what of its answer counts.

The model takes each note apart and names, claim by claim, the words that decide. Code looks for
those words in what the model was shown: a ruling without them does not count, nor one that leaves
out a part of the note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from contracts.bounds import STORABLE
from contracts.transcript import Segment
from grounding.text.terms import split_terms
from grounding.text.words import parse_word_list, split_words
from judging.questions import (
    JudgeQuestion,
    JudgeVerdict,
    NoteRuling,
    TranscriptWindow,
    merge_spans,
)
from model_client import ChatMessage, ModelRequest
from prompts import judge as judge_prompt
from prompts.fencing import encode_safe_json

_MAX_CLAIMS: Final = 12
_MIN_WORDS: Final = 2
"""Deciding words that have to be named, unless the segment has fewer."""
_NEGATIONS: Final = parse_word_list(
    "not no never nobody nothing none neither nor cannot without hardly barely"
)
_SMALL_WORDS: Final = parse_word_list(
    """a an the and that is are was were be been being am i me my he him his she her it its they
    them their we us our you your this"""
)
_CLAUSE_ENDS: Final = re.compile(r"[.?!…,;:()\u2014\u2013\n]")


def _refuse_half_surrogates(text: str) -> str:
    text.encode()  # UnicodeEncodeError is a ValueError
    return text


SendableText = Annotated[str, STORABLE, AfterValidator(_refuse_half_surrogates)]
"""Text that can be stored and sent: without U+0000 and half surrogate pairs."""


class ClaimAnswer(BaseModel):
    """Ruling of a judging model on one claim of a note, as parsed from its JSON answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: SendableText
    reason: SendableText
    segment: int
    words: SendableText
    verdict: JudgeVerdict


class NoteAnswer(BaseModel):
    """Rulings of a judging model on all claims of one note, as parsed from its JSON answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: int
    claims: tuple[ClaimAnswer, ...] = Field(min_length=1, max_length=_MAX_CLAIMS)


class BatchAnswer(BaseModel):
    """Answer of a judging model on several notes; invalid rulings in it are left out.

    A ruling that does not fit takes with it all others on its note, and none on other notes. An
    answer in which no ruling fits is invalid, so that the model is asked to repair it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rulings: tuple[NoteAnswer, ...]

    @field_validator("rulings", mode="before")
    @classmethod
    def _drop_invalid_rulings(cls, rulings: object) -> object:
        if not isinstance(rulings, list):
            return rulings
        parsed = [_parse_note_answer(one) for one in rulings]
        invalid = {
            _read_note_number(one)
            for one, answer in zip(rulings, parsed, strict=True)
            if answer is None
        }
        kept = [one for one in parsed if one is not None and one.note not in invalid]
        return kept or rulings


def _parse_note_answer(ruling: object) -> NoteAnswer | None:
    try:
        return NoteAnswer.model_validate(ruling)
    except ValidationError:
        return None


def _read_note_number(ruling: object) -> object:
    """Return the number of the note that a ruling is about; None if it does not say."""
    number = ruling.get("note") if isinstance(ruling, dict) else None
    return number if isinstance(number, int) else None


def _close(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


BATCH_SCHEMA: Final[dict[str, Any]] = _close(
    {
        "rulings": {
            "type": "array",
            "items": _close(
                {
                    "note": {"type": "integer"},
                    "claims": {
                        "type": "array",
                        "items": _close(
                            {
                                "claim": {"type": "string"},
                                "reason": {"type": "string"},
                                "segment": {"type": "integer"},
                                "words": {"type": "string"},
                                "verdict": {
                                    "type": "string",
                                    "enum": [one.value for one in JudgeVerdict],
                                },
                            }
                        ),
                    },
                }
            ),
        }
    }
)
"""The strict JSON schema of an answer; reason and words come before the verdict they lead to."""


def build_batch_document(questions: Sequence[JudgeQuestion]) -> str:
    """Build the JSON document of a judging prompt: transcript segments, and notes to judge."""
    segments = {window.segment.number: window.segment for one in questions for window in one.shown}
    return encode_safe_json(
        {
            "segments": [
                {
                    "number": number,
                    "speaker": segment.speaker,
                    "role": segment.role.value,
                    "text": _join_windows(segment, questions),
                }
                for number, segment in sorted(segments.items())
            ],
            "notes": [
                {
                    "note": number,
                    "claim": question.claim,
                    "cites": [
                        {"segment": one.segment, "words": one.quote}
                        for one in question.checked.evidence
                    ],
                }
                for number, question in enumerate(questions, start=1)
            ],
        }
    )


def _join_windows(segment: Segment, questions: Sequence[JudgeQuestion]) -> str:
    """Return the parts of a segment that are shown for some of the notes, in order."""
    spans = [
        (window.start, window.end)
        for one in questions
        for window in one.shown
        if window.segment.number == segment.number
    ]
    return " … ".join(segment.text[start:end] for start, end in merge_spans(spans))


def build_multi_note_request(
    questions: Sequence[JudgeQuestion], *, attempt: int = 1
) -> ModelRequest[BatchAnswer]:
    """Build one model request that asks a judging model about several notes of one interview chunk.

    Args:
        questions: the notes; they are numbered from 1 in this order.
        attempt: number of the time that the same is asked, from 1; each is answered by itself.
    """
    messages: list[ChatMessage] = [
        {"role": "system", "content": judge_prompt.load_judge_instructions()},
        {"role": "user", "content": build_batch_document(questions)},
    ]
    return ModelRequest(
        messages=messages,
        schema=BATCH_SCHEMA,
        response_model=BatchAnswer,
        prompt_version=judge_prompt.VERSION,
        attempt=attempt,
        # One of several may be what a segment says, and no word of the judge's.
        requires_single_object=True,
    )


def parse_rulings(
    answer: BatchAnswer, questions: Sequence[JudgeQuestion], model: str
) -> tuple[NoteRuling | None, ...]:
    """Parse a judging model's rulings on notes; None for a note without a valid ruling.

    A note has a ruling if the answer speaks of it exactly once, its claims have the note's words
    and no others that mean something, and each claim that is supported or contradicted names words
    that were said: what supports it within what the note cites, what contradicts it around that. It
    is supported if all its claims are, and contradicted if one is.

    Args:
        answer: what the model answered.
        questions: what it was asked, in order.
        model: its name.
    """
    times = Counter(one.note for one in answer.rulings)
    by_note = {one.note: one for one in answer.rulings if times[one.note] == 1}
    return tuple(
        _read_ruling(by_note[number], question, model) if number in by_note else None
        for number, question in enumerate(questions, start=1)
    )


def _read_ruling(answer: NoteAnswer, question: JudgeQuestion, model: str) -> NoteRuling | None:
    if not _has_the_notes_words(answer, question):
        return None
    if not all(_is_borne_out(claim, question) for claim in answer.claims):
        return None
    deciding = _choose_claim(answer.claims)
    return NoteRuling(deciding.verdict, model, deciding.reason, deciding.words)


def _is_borne_out(claim: ClaimAnswer, question: JudgeQuestion) -> bool:
    """Return whether the words that decide a claim were said, and where they may decide it.

    What supports a claim has to be in the words that the note cites, and not behind a negation
    that neither claim nor words have; what contradicts it may stand anywhere around them.
    """
    if claim.verdict is JudgeVerdict.NOT_SUPPORTED:
        return True
    places = [
        (window.segment, start, end)
        for window in question.shown
        if window.segment.number == claim.segment
        for start, end in _find_places(claim.words, window)
    ]
    if claim.verdict is JudgeVerdict.CONTRADICTED:
        return bool(places)
    return any(
        _is_cited(segment, start, end, question) and _has_same_polarity(claim, segment, start)
        for segment, start, end in places
    )


def _is_cited(segment: Segment, start: int, end: int, question: JudgeQuestion) -> bool:
    return any(
        one.segment.number == segment.number and start < one.end and one.start < end
        for one in question.passages
    )


def _has_same_polarity(claim: ClaimAnswer, segment: Segment, start: int) -> bool:
    """Return whether no negation stands before the words in their clause, or the claim has one."""
    clause = _CLAUSE_ENDS.split(segment.text[:start])[-1]
    return not _has_negation(clause) or _has_negation(claim.claim) or _has_negation(claim.words)


def _has_negation(text: str) -> bool:
    return any(word.text in _NEGATIONS or word.text.endswith("n't") for word in split_words(text))


def _choose_claim(claims: Sequence[ClaimAnswer]) -> ClaimAnswer:
    """Return the claim that decides: one that is contradicted, else unsupported, else the first."""
    order = (JudgeVerdict.CONTRADICTED, JudgeVerdict.NOT_SUPPORTED, JudgeVerdict.SUPPORTED)
    return min(claims, key=lambda one: order.index(one.verdict))


def _has_the_notes_words(answer: NoteAnswer, question: JudgeQuestion) -> bool:
    """Return whether claims have all words of a note, and none but those and speakers' names.

    Articles, forms of "be", pronouns and "and" may come and go where a note is taken apart.
    """
    meant = _list_meant_words(question.claim)
    claimed = {word for claim in answer.claims for word in _list_meant_words(claim.claim)}
    names = {word for one in question.shown for word in _list_meant_words(one.segment.speaker)}
    return meant <= claimed <= meant | names


def _list_meant_words(text: str) -> set[str]:
    return {term.key for term in split_terms(text) if term.text not in _SMALL_WORDS}


def _find_places(words: str, window: TranscriptWindow) -> Iterator[tuple[int, int]]:
    """Yield where words stand in a window one after another, whatever case and punctuation."""
    said = split_words(window.segment.text[window.start : window.end])
    wanted = [word.text for word in split_words(words)]
    if not wanted or len(wanted) < min(_MIN_WORDS, len(said)):
        return
    forms = [word.text for word in said]
    for at in range(len(forms) - len(wanted) + 1):
        if forms[at : at + len(wanted)] == wanted:
            last = said[at + len(wanted) - 1]
            yield window.start + said[at].start, window.start + last.end
