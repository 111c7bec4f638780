"""Report on how an interview was read, bounded so that it travels in the interview's event."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from contracts.bounds import STORABLE, Amount
from contracts.study import ContractModel
from contracts.transcript import Role, SpeakerLabel

MAX_REPORTED_SPEAKERS: Final = 100
"""Speakers that a reading report names: those who say most."""

MAX_REPORT_SENTENCES: Final = 100
"""Sentences of each kind in a reading report."""

MAX_REPORT_SENTENCE_CHARACTERS: Final = 500
"""Characters of a sentence in a reading report; what follows is cut."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A share, from 0 to 1."""

Sentence = Annotated[str, Field(max_length=MAX_REPORT_SENTENCE_CHARACTERS), STORABLE]
"""A sentence for people; it may quote labels, headings and lines of the file."""


class ReportedSpeaker(ContractModel):
    """Speaker in a reading report, with how much of the interview is theirs."""

    label: SpeakerLabel = Field(description="The name as the segments have it.")
    role: Role = Field(description="What the speaker is in the interview.")
    words: Amount = Field(description="How many words they say.")
    share: Share = Field(description="Their share of all words.")


class BoundedReadingReport(ContractModel):
    """Report on how a transcript was read, cut to what its event takes: speakers, repairs."""

    confidence: Share = Field(description="How sure the format is; 1 if the producer named it.")
    speakers: tuple[ReportedSpeaker, ...] = Field(
        max_length=MAX_REPORTED_SPEAKERS,
        description="Who speaks, in the order in which they first do; of more, those who say most.",
    )
    speakers_left_out: Amount = Field(0, description="How many more speakers there are.")
    unnamed_share: Share = Field(description="Share of the words without a named speaker.")
    timed_share: Share = Field(description="Share of the segments with times of their own.")
    notices: tuple[Sentence, ...] = Field(
        (),
        max_length=MAX_REPORT_SENTENCES,
        description="What was dropped, merged, repaired or assumed, with numbers of lines.",
    )
    notices_left_out: Amount = Field(0, description="How many more notices there are.")
    doubts: tuple[Sentence, ...] = Field(
        (),
        max_length=MAX_REPORT_SENTENCES,
        description="Why it is in doubt who speaks, or when, where that was accepted.",
    )
    doubts_left_out: Amount = Field(0, description="How many more doubts there are.")
