"""What a judging model is asked about a note, and what it rules."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Protocol

from contracts.errors import ErrorCode
from contracts.events import ChunkReady
from contracts.transcript import Segment
from grounding import CheckedNote
from grounding.evidence import QuotedPassage, list_joined_turns, locate_evidence
from model_client import CostAttribution
from model_client.requests import ParsedResponse

_AROUND: Final = 400
"""Characters shown before and after the quotes of a long segment, and of its neighbours."""
_QUESTION_BEFORE: Final = 3
"""Segments before a cited one among which the question that it answers is looked for."""
_BEHIND: Final = 2
"""Segments shown behind a cited one: there is said what is taken back."""
_LONG: Final = 2_400
"""Characters of a segment from which on only the surroundings of its quotes are shown."""


class JudgeVerdict(StrEnum):
    """Verdict of a judging model on a claim or a note: supported, contradicted, or neither."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not_supported"


@dataclass(frozen=True, slots=True)
class TranscriptWindow:
    """Part of a segment that a judge is shown: the words that a note cites, and some around.

    Attributes:
        segment: what the chunk has of the turn, joined where it is continued.
        start: index of the window's first character in the segment's text.
        end: index after its last character.
    """

    segment: Segment
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """Question to a judging model: a note, with the parts of the transcript around its quotes.

    Attributes:
        checked: the note, with the exact evidence that it cites.
        passages: the evidence, by its place in the segments.
        shown: what it cites, the question before and the neighbours, in the transcript's order.
    """

    checked: CheckedNote
    passages: tuple[QuotedPassage, ...]
    shown: tuple[TranscriptWindow, ...]

    @property
    def claim(self) -> str:
        """The statement, as it was drafted."""
        return self.checked.draft.statement

    def list_spoken_lines(self) -> list[tuple[str, str]]:
        """List speaker and words of what the note cites, and of the questions that it answers.

        Of what was said between a question and its answer nothing is left out.
        """
        cited = {one.segment.number for one in self.passages}
        numbers = {one.segment.number for one in self.shown if _ends_with_question(one.segment)}
        before = {
            number
            for at in cited
            for number in _list_back_to_question(at, numbers)
            if number not in cited
        }
        spoken = [
            (
                one.segment.number,
                one.start,
                one.segment.speaker,
                one.segment.text[one.start : one.end],
            )
            for one in self.shown
            if one.segment.number in before
        ]
        spoken += [
            (one.segment.number, one.start, one.segment.speaker, one.quote) for one in self.passages
        ]
        return [(speaker, text) for _, _, speaker, text in sorted(spoken)]


@dataclass(frozen=True, slots=True)
class NoteRuling:
    """Ruling of one judge on one note: the verdict, the model and its reason.

    Attributes:
        verdict: what it says of the whole note.
        model: the model that answered, as the endpoint named it.
        reason: its own words, which decide nothing; empty if it gives none.
        words: the deciding words, which code has found in what it was shown; empty for a judge
            that names none.
        probability: how probable it holds that the note is supported, from 0 to 1; None if it does
            not say.
    """

    verdict: JudgeVerdict
    model: str
    reason: str = ""
    words: str = ""
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class JudgeReply:
    """Reply of a judge on several notes: a ruling for each, with tokens and cost.

    Attributes:
        rulings: one a question, in the same order; None where it gave none that counts.
        errors: one a question, in the same order: why the model gave no answer on it that can be
            read; None where it did, also if its ruling does not count.
        responses: the model's answers, for what they took.
        calls: calls that were made, those without an answer included, repairs and retries not; what
            the cache answers is no call.
    """

    rulings: tuple[NoteRuling | None, ...]
    errors: tuple[ErrorCode | None, ...]
    responses: tuple[ParsedResponse[Any], ...] = ()
    calls: int = 0

    @property
    def error(self) -> ErrorCode | None:
        """Why the last of those notes has no answer that has none; None if all have one."""
        return next((one for one in reversed(self.errors) if one is not None), None)

    @property
    def unbelieved(self) -> int:
        """Number of notes without a ruling although the model answered.

        It left out a part of the note, ruled on it twice or never, or named words that code did not
        find.
        """
        outcomes = zip(self.rulings, self.errors, strict=True)
        return sum(ruling is None and error is None for ruling, error in outcomes)

    @property
    def tokens(self) -> int:
        """Tokens of questions and answers."""
        return sum(one.usage.input_tokens + one.usage.output_tokens for one in self.responses)

    @property
    def cost_usd(self) -> Decimal | None:
        """What the answers cost; None if there is none, or that of one is not known."""
        costs = [one.cost_usd for one in self.responses]
        if not costs or None in costs:
            return None
        return sum((one for one in costs if one), Decimal(0))

    @property
    def is_cached(self) -> bool:
        """Whether all answers were there already."""
        return bool(self.responses) and all(one.cached for one in self.responses)


class Judge(Protocol):
    """Interface of judges, which rule whether notes are supported by their evidence."""

    @property
    def name(self) -> str:
        """The name of its model; of a chain, of the first one."""
        ...

    async def rule(
        self, questions: Sequence[JudgeQuestion], attribution: CostAttribution, *, deadline: float
    ) -> JudgeReply:
        """Rule on each note.

        Raises:
            model_client.errors: what keeps the model from answering at all.
        """
        ...


def build_judge_questions(checked: Iterable[CheckedNote], chunk: ChunkReady) -> list[JudgeQuestion]:
    """Build the questions to a judge: each note, with the segments around its evidence."""
    segments = {one.number: one for one in (*chunk.context, *list_joined_turns(chunk))}
    questions = []
    for one in checked:
        passages = locate_evidence(one.evidence, chunk)
        questions.append(JudgeQuestion(one, passages, _choose_windows(passages, segments)))
    return questions


def _choose_windows(
    passages: Sequence[QuotedPassage], segments: Mapping[int, Segment]
) -> tuple[TranscriptWindow, ...]:
    """Return the segments that are cited, shortened if they are long, and those around them."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for one in passages:
        text = one.segment.text
        is_long = len(text) > _LONG
        span = (max(0, one.start - _AROUND), one.end + _AROUND) if is_long else (0, len(text))
        spans.setdefault(one.segment.number, []).append(span)
    cited = set(spans)
    for number in sorted(cited):
        for near in _list_near(number, segments):
            if near not in cited:
                length = len(segments[near].text)
                part = length if length <= _LONG else _AROUND
                span = (length - part, length) if near < number else (0, part)
                spans.setdefault(near, []).append(span)
    return tuple(
        TranscriptWindow(segments[number], start, min(end, len(segments[number].text)))
        for number, found in sorted(spans.items())
        for start, end in merge_spans(found)
    )


def _list_near(number: int, segments: Mapping[int, Segment]) -> list[int]:
    """Return the segments next to one, and those back to the question that it may answer."""
    asked = {one for one, segment in segments.items() if _ends_with_question(segment)}
    before = _list_back_to_question(number, asked) or [number - 1]
    behind = range(number + 1, number + 1 + _BEHIND)
    return [one for one in (*before, *behind) if one in segments]


def _list_back_to_question(number: int, asked: Container[int]) -> range:
    """Return the segments from the question that one may answer to the one before it; or none."""
    for begin in range(number - 1, number - 1 - _QUESTION_BEFORE, -1):
        if begin in asked:
            return range(begin, number)
    return range(0)


def _ends_with_question(segment: Segment) -> bool:
    return segment.text.rstrip().endswith("?")


def merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge character spans that overlap or touch; return them in order."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
