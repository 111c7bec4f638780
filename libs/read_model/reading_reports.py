"""Reads reports on how interviews were read, masked where the study says so."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.reading_report import BoundedReadingReport
from database.pool import Database
from database.queries import load_queries
from read_model.explanation import FunctionRunner
from read_model.transcripts import TranscriptRevision, mask_texts

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "evidence.sql")

LEFT_OUT: Final = "[…]"
"""What stands in a masked sentence in place of words that it quotes from the file."""

_QUOTED: Final = r"“(?P<quoted>[^”]*)(?:”|$)"  # a sentence that was cut may end within a quote
_KEY: Final = r"(?<!\w)'(?P<key>[^']*)'(?!\w)"
_NESTED: Final = re.compile("“[^”]*“.*", re.DOTALL)
"""A quote within a quote, of which it is not known where the outer one ends."""
_OURS: Final = "zxx"
"""Language of the sentences around the quotes: none in which names are to be looked for."""
_WORDS: Final = re.compile(r"\w")
_LETTERS: Final = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class SpeakerInReport:
    """Speaker of an interview as a caller may see it, with how much of it is theirs.

    Attributes:
        speaker: the label, or a pseudonym where the report is masked.
        role: what the speaker is in the interview.
        words: how many words they say.
        share: their share of all words, from 0 to 1.
    """

    speaker: str
    role: str
    words: int
    share: float


@dataclass(frozen=True, slots=True)
class TranscriptReadingReport:
    """Report on how an interview was read, as a caller may see it.

    Where it is masked, speakers have pseudonyms, and sentences quote no words of the file.

    Attributes:
        revision: which one was read.
        is_masked: whether it is masked.
        format: the format that was found.
        confidence: how sure it is, from 0 to 1.
        speakers: in the order in which they first speak; of many, those who say most.
        speakers_left_out: how many more there are.
        unnamed_share: share of the words without a named speaker, from 0 to 1.
        timed_share: share of the segments with times of their own, from 0 to 1.
        notices: what was dropped, merged, repaired or assumed, with numbers of lines.
        notices_left_out: how many more there are.
        doubts: why it is in doubt who speaks, or when, where that was accepted.
        doubts_left_out: how many more there are.
    """

    transcript_id: UUID
    revision: int
    is_masked: bool
    format: str
    confidence: float
    speakers: tuple[SpeakerInReport, ...]
    speakers_left_out: int
    unnamed_share: float
    timed_share: float
    notices: tuple[str, ...]
    notices_left_out: int
    doubts: tuple[str, ...]
    doubts_left_out: int


class ReadingReportQueries:
    """Queries on reading reports in PostgreSQL.

    Args:
        database: what is read; its login is an evidence reader.
        compute: runs the masking of sentences.
    """

    def __init__(self, database: Database, compute: FunctionRunner = asyncio.to_thread) -> None:
        self._database = database
        self._compute = compute

    async def reading_report(
        self, transcript_id: UUID, revision: TranscriptRevision, *, exact: bool = False
    ) -> TranscriptReadingReport | None:
        """The report on how a revision was read; None if none was kept.

        Args:
            transcript_id: the interview.
            revision: which revision.
            exact: as it is, also where the study masks it.
        """
        row = await self._database.fetchrow(
            _QUERIES.select_reading_report, transcript_id, revision.revision
        )
        if row is None:
            return None
        report = BoundedReadingReport.model_validate_json(row["report"])
        notices, doubts = report.notices, report.doubts
        names: dict[str, str] = {}
        is_masked = not (exact or revision.is_open)
        if is_masked:
            names = json.loads(row["pseudonyms"] or "{}")
            masked = await self._compute(mask_report_sentences, (*notices, *doubts), names)
            notices, doubts = masked[: len(notices)], masked[len(notices) :]
        return TranscriptReadingReport(
            transcript_id=transcript_id,
            revision=revision.revision,
            is_masked=is_masked,
            format=row["format"],
            confidence=report.confidence,
            speakers=tuple(
                SpeakerInReport(
                    speaker=names.get(one.label, one.role) if is_masked else one.label,
                    role=one.role,
                    words=one.words,
                    share=one.share,
                )
                for one in report.speakers
            ),
            speakers_left_out=report.speakers_left_out,
            unnamed_share=report.unnamed_share,
            timed_share=report.timed_share,
            notices=notices,
            notices_left_out=report.notices_left_out,
            doubts=doubts,
            doubts_left_out=report.doubts_left_out,
        )


def mask_report_sentences(
    sentences: Sequence[str], pseudonyms: Mapping[str, str]
) -> tuple[str, ...]:
    """Replace speakers' labels in a report's sentences by pseudonyms, and leave out other quotes.

    What a sentence quotes may be a line of the file, or a name that was taken for no speaker's, of
    which nothing else in the interview shows that it is one.

    Args:
        sentences: of a reading report.
        pseudonyms: of all who speak in the interview, by label.
    """
    # Labels without a letter would be taken for the sentences' own numbers.
    labels = sorted(filter(_LETTERS.search, pseudonyms), key=len, reverse=True)
    unquoted = [rf"(?<!\w)(?:{'|'.join(map(re.escape, labels))})(?!\w)"] if labels else []
    named = re.compile("|".join([_QUOTED, _KEY, *unquoted]))

    def replace(match: re.Match[str]) -> str:
        quoted = match["quoted"] if match["key"] is None else match["key"]
        if quoted is None:
            return pseudonyms[match[0]]
        if not _WORDS.search(quoted):
            return match[0]  # a mark, such as “>>”
        return f"“{pseudonyms.get(quoted, LEFT_OUT)}”"

    shown = [named.sub(replace, _NESTED.sub(f"“{LEFT_OUT}”", one)) for one in sentences]
    return mask_texts(shown, _OURS, tuple(pseudonyms))
