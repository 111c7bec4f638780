"""Every format is registered once, is recognised by its own sample, and is on the page."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.transcript import TranscriptFormat
from transcripts import read_transcript
from transcripts.formats import FormatDefinition, TranscriptContent
from transcripts.registry import FORMATS, recognise_format


def test_every_format_that_events_name_is_registered_once() -> None:
    assert Counter(one.name for one in FORMATS) == Counter(TranscriptFormat)


@pytest.mark.parametrize("known", FORMATS, ids=lambda one: one.name.value)
def test_a_sample_is_recognised_as_its_own_format_and_no_other(known: FormatDefinition) -> None:
    found = recognise_format(TranscriptContent(known.sample))
    assert found is not None
    assert (found.format.name, found.others) == (known.name, ())
    reading = read_transcript(known.sample)
    assert reading.format is known.name
    assert reading.segments


@pytest.mark.parametrize("known", FORMATS, ids=lambda one: one.name.value)
def test_a_confidence_is_a_share(known: FormatDefinition) -> None:
    assert 0 < known.confidence <= 1
    assert known.written_by


def test_two_formats_that_are_as_likely_are_in_doubt_and_named() -> None:
    both = (
        '{"callTranscripts": [{"transcript": [{"sentences": [{"text": "How?"}]}]}], '
        '"meeting_transcripts": [{"speaker": "Ann", "content": "How?"}]}'
    )
    reading = read_transcript(both)
    assert reading.report.doubts == ("the file may be gong or qmsum: name the format",)
