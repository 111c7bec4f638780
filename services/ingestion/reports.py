"""The reading report that travels with an interview, cut to what its event takes."""

from __future__ import annotations

from typing import Final

from contracts.characters import strip_hidden_characters
from contracts.reading_report import (
    MAX_REPORT_SENTENCE_CHARACTERS,
    MAX_REPORT_SENTENCES,
    MAX_REPORTED_SPEAKERS,
    BoundedReadingReport,
    ReportedSpeaker,
)
from transcripts import TranscriptReading

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


def _cut(sentences: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_cut_one(one) for one in sentences[:MAX_REPORT_SENTENCES])


def _cut_one(sentence: str) -> str:
    # Doubts quote lines as the file has them, and no event takes half a pair of surrogates.
    sentence, _ = strip_hidden_characters(sentence)
    if len(sentence) <= MAX_REPORT_SENTENCE_CHARACTERS:
        return sentence
    return sentence[: MAX_REPORT_SENTENCE_CHARACTERS - len(_CUT)] + _CUT
