"""The reading report that travels with an interview, cut to what its event takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from contracts.characters import strip_hidden_characters
from contracts.reading_report import (
    MAX_REPORT_SENTENCE_CHARACTERS,
    MAX_REPORT_SENTENCES,
    MAX_REPORTED_SPEAKERS,
    BoundedReadingReport,
    ReportedSpeaker,
)
from contracts.transcript import Role, Segment
from transcripts import TranscriptReading
from transcripts.speakers.roles import UNNAMED

_CUT: Final = "…"


def build_reading_report(
    reading: TranscriptReading, decoded: tuple[str, ...]
) -> BoundedReadingReport:
    """Build the report on how an interview was read, within the limits of its event.

    Args:
        reading: the interview, as read.
        decoded: what was assumed when its file was decoded, in sentences.
    """
    report = reading.report
    # As the segments have them: in a reading in doubt, roles are not guessed.
    roles = {one.speaker: one.role for one in reading.segments}
    most = sorted(report.speakers, key=lambda one: -one.words)[:MAX_REPORTED_SPEAKERS]
    named = {one.label for one in most}
    notices = (*decoded, *report.notices)
    return BoundedReadingReport(
        confidence=report.confidence,
        speakers=tuple(
            ReportedSpeaker(
                label=one.label, role=roles[one.label], words=one.words, share=one.share
            )
            for one in report.speakers
            if one.label in named
        ),
        speakers_left_out=len(report.speakers) - len(most),
        unnamed_share=report.unnamed_share,
        timed_share=report.timed_share,
        notices=_cut(notices),
        notices_left_out=max(0, len(notices) - MAX_REPORT_SENTENCES),
        doubts=_cut(report.doubts),
        doubts_left_out=max(0, len(report.doubts) - MAX_REPORT_SENTENCES),
    )


def correct_reading_report(
    report: BoundedReadingReport, segments: Sequence[Segment], corrected: int
) -> BoundedReadingReport:
    """Return the report on an interview with its speakers as people corrected them.

    Args:
        report: how the interview was read.
        segments: its turns, as they are corrected.
        corrected: how many of them have another speaker or role.
    """
    words: Counter[str] = Counter()
    roles: dict[str, Role] = {}
    for segment in segments:
        words[segment.speaker] += segment.text.count(" ") + 1  # as the report counts them
        roles.setdefault(segment.speaker, segment.role)
    total = max(1, sum(words.values()))
    most = {label for label, _ in words.most_common(MAX_REPORTED_SPEAKERS)}
    share = f"{corrected:,} of {len(segments):,} turns"
    what = f"speakers or roles ({share})" if corrected else "title"
    notices = (f"corrected by people: {what}", *report.notices)
    return report.model_copy(
        update={
            "speakers": tuple(
                ReportedSpeaker(label=label, role=roles[label], words=said, share=said / total)
                for label, said in words.items()
                if label in most
            ),
            "speakers_left_out": len(words) - len(most),
            "unnamed_share": words[UNNAMED] / total,
            "notices": notices[:MAX_REPORT_SENTENCES],
            "notices_left_out": report.notices_left_out
            + max(0, len(notices) - MAX_REPORT_SENTENCES),
        }
    )


def _cut(sentences: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_cut_one(one) for one in sentences[:MAX_REPORT_SENTENCES])


def _cut_one(sentence: str) -> str:
    # Doubts quote lines as the file has them, and no event takes half a pair of surrogates.
    sentence, _ = strip_hidden_characters(sentence)
    if len(sentence) <= MAX_REPORT_SENTENCE_CHARACTERS:
        return sentence
    return sentence[: MAX_REPORT_SENTENCE_CHARACTERS - len(_CUT)] + _CUT
