"""Sentences of reading reports: labels have pseudonyms, and nothing else of the file is quoted."""

from __future__ import annotations

import pytest

from read_model.reading_reports import mask_report_sentences
from transcripts.notices import Repair

NAMES = {
    "Ada Lovelace": "interviewer 1",
    "Bo": "participant 2",
    "interviewer": "interviewer 3",
    "2": "participant 4",
}


@pytest.mark.parametrize(
    ("sentence", "masked"),
    [
        (
            "“Bo” is named once only, within Ada Lovelace's long turn (segment 12)",
            "“participant 2” is named once only, within interviewer 1's long turn (segment 12)",
        ),
        (
            "what interviewer says, “2” or Ada",
            "what interviewer 3 says, “participant 4” or [PERSON]",
        ),
        ("“Trappe” is named once only", "“[…]” is named once only"),
        ("line 12, “With Zoe Quill”, may be a heading", "line 12, “[…]”, may be a heading"),
        ("line 2, “He said “yes” to Zoe”, is none", "line 2, “[…]”"),
        ("line 12, “With Zoe and so on…", "line 12, “[…]”"),
        ("speakers stand under 'Zoe' in the JSON", "speakers stand under “[…]” in the JSON"),
        ("“>>” marks changes of speaker", "“>>” marks changes of speaker"),
        ("2 lines were dropped: lines 1, 2", "2 lines were dropped: lines 1, 2"),
    ],
)
def test_quotes_nothing_that_is_masked(sentence: str, masked: str) -> None:
    assert mask_report_sentences([sentence], NAMES) == (masked,)


def test_what_was_repaired_stays_as_it_is() -> None:
    """The sentences are ours: no word of theirs is taken for a name."""
    fields = {"first": 12, "line": 4, "limit": 250_000, "spelled": "00.01", "clock": "0:01"}
    told = [
        one.format(3, rate="25", **fields)
        for kind in Repair
        if kind is not Repair.NO_SPEAKER
        for one in kind.value
    ]
    assert mask_report_sentences(told, NAMES) == tuple(told)
    assert mask_report_sentences(told, {}) == tuple(told)
