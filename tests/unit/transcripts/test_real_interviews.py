"""Nine recorded interviews, each as two vendors and a research corpus transcribed it.

The bounds are what was measured, rounded down: the vendors differ in hesitations (one leaves
them out) and in the order of words spoken at once, not in how they are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from contracts.transcript import Role, TranscriptFormat
from transcripts import TranscriptReading, read_transcript, split_into_chunks
from unit.transcripts.reading_support import assert_sound, shared

INTERVIEWS = [
    "ATL_se0_ag1_f_01_1",
    "ATL_se0_ag1_m_04_2",
    "DCB_se1_ag2_m_02_3",
    "DCB_se1_ag3_m_02_2",
    "DCB_se2_ag3_m_03_2",
    "DCB_se3_ag3_m_02_2",
    "ROC_se0_ag2_f_04_1",
    "ROC_se0_ag3_f_02_2",
    "VLD_se0_ag3_m_02_1",
]
# Amberscript's aligner lost track: most words stand at one instant, and a notice says so.
BADLY_ALIGNED = {"DCB_se1_ag2_m_02_3", "DCB_se2_ag3_m_03_2"}
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")
NO_SPEECH = re.compile(r"\(pause [\d.]+\)|<[^>]*>|/RD-[^/]*/")
SECOND_MS = 1_000


@dataclass(frozen=True)
class Word:
    text: str
    start_ms: float | None


@dataclass(frozen=True)
class Agreement:
    """How alike two transcripts of one talk are.

    ``words``: twice the words in common, over all; ``times``: the share of the timed words in
    common that begin within a second of each other.
    """

    words: float
    times: float


def read_vendor(vendor: str, name: str) -> TranscriptReading:
    path = shared("interviews") / vendor / f"{name}.json"
    return read_transcript(path.read_text(encoding="utf-8"))


def words_of(reading: TranscriptReading) -> list[Word]:
    return [
        Word(match[0], starts.get(match.start()))
        for segment in reading.segments
        for starts in [{word.offset: word.start_ms for word in segment.words}]
        for match in WORD.finditer(
            segment.text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        )
    ]


def corpus_words(path: Path) -> list[Word]:
    """The corpus times utterances; their words are spread evenly over them."""
    words: list[Word] = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        _, _, start, content, end = line.split("\t")
        texts = WORD.findall(NO_SPEECH.sub(" ", content).lower())
        length = float(end) - float(start)
        words += [
            Word(text, SECOND_MS * (float(start) + length * index / len(texts)))
            for index, text in enumerate(texts)
        ]
    return words


def agreement(left: list[Word], right: list[Word]) -> Agreement:
    matcher = SequenceMatcher(
        None, [word.text for word in left], [word.text for word in right], autojunk=False
    )
    common = [
        (left[block.a + index], right[block.b + index])
        for block in matcher.get_matching_blocks()
        for index in range(block.size)
    ]
    apart = [
        abs(one.start_ms - other.start_ms)
        for one, other in common
        if one.start_ms is not None and other.start_ms is not None
    ]
    near = sum(distance <= SECOND_MS for distance in apart)
    return Agreement(2 * len(common) / (len(left) + len(right)), near / len(apart))


@pytest.mark.parametrize("name", INTERVIEWS)
@pytest.mark.parametrize("vendor", ["rev", "amberscript"])
def test_reads_a_real_interview_whole(vendor: str, name: str) -> None:
    reading = read_vendor(vendor, name)
    assert reading.format is TranscriptFormat(vendor)
    assert_sound(reading.segments)
    assert all(segment.start_ms is not None for segment in reading.segments)
    spoken = sum(len(segment.text) for segment in reading.segments)
    assert spoken > 2_500
    chunks = split_into_chunks(reading.segments)
    assert sum(len(one.text) for chunk in chunks for one in chunk.segments) == spoken


@pytest.mark.parametrize("name", INTERVIEWS)
def test_revs_words_and_times_agree_with_the_corpus(name: str) -> None:
    corpus = corpus_words(shared("interviews") / "coraal" / f"{name}.txt")
    found = agreement(words_of(read_vendor("rev", name)), corpus)
    assert found.words >= 0.75
    assert found.times >= 0.95


@pytest.mark.parametrize("name", INTERVIEWS)
def test_amberscripts_words_and_times_agree_with_the_corpus(name: str) -> None:
    corpus = corpus_words(shared("interviews") / "coraal" / f"{name}.txt")
    found = agreement(words_of(read_vendor("amberscript", name)), corpus)
    assert found.words >= 0.6
    assert name in BADLY_ALIGNED or found.times >= 0.85


@pytest.mark.parametrize("name", INTERVIEWS)
def test_the_vendors_agree_with_each_other(name: str) -> None:
    found = agreement(
        words_of(read_vendor("rev", name)), words_of(read_vendor("amberscript", name))
    )
    assert found.words >= 0.6
    assert name in BADLY_ALIGNED or found.times >= 0.85


def test_the_middle_interview_agrees_in_four_words_of_five() -> None:
    agreements = [
        agreement(words_of(read_vendor("rev", name)), words_of(read_vendor("amberscript", name)))
        for name in INTERVIEWS
    ]
    assert median(found.words for found in agreements) >= 0.8


@pytest.mark.parametrize("name", INTERVIEWS)
def test_says_how_many_of_amberscripts_times_are_not_reliable(name: str) -> None:
    reading = read_vendor("amberscript", name)
    told = re.search(r"(\d+) words stand in runs", " ".join(reading.notices))
    unreliable = int(told[1]) if told else 0
    share = unreliable / sum(len(segment.words) for segment in reading.segments)
    assert (share > 0.4) is (name in BADLY_ALIGNED)
    assert share > 0.4 or share < 0.06


def test_places_revs_untimed_turns_between_their_neighbours() -> None:
    reading = read_vendor("rev", "ATL_se0_ag1_f_01_1")
    assert (
        "102 turns have no times of their own and were placed between their neighbours"
        in reading.notices
    )
    untimed = [segment for segment in reading.segments if not segment.words]
    assert len(untimed) == 102
    timed = [segment for segment in reading.segments if segment.words]
    for segment in untimed:
        before = max(one.number for one in timed if one.number < segment.number)
        assert segment.start_ms == reading.segments[before - 1].end_ms


@pytest.mark.parametrize("name", INTERVIEWS)
def test_revs_turns_come_in_the_order_of_the_talk(name: str) -> None:
    starts = [segment.start_ms or 0 for segment in read_vendor("rev", name).segments]
    backwards = sum(left > right for left, right in pairwise(starts))
    assert backwards <= len(starts) // 50


@pytest.mark.parametrize(
    ("vendor", "name", "interviewer", "participant"),
    [
        ("rev", "ATL_se0_ag1_f_01_1", "Interviewer", "Interviewee"),
        ("rev", "VLD_se0_ag3_m_02_1", "Speaker 1", "Speaker 2"),
        ("rev", "ATL_se0_ag1_m_04_2", "Speaker 1", "Speaker 2"),
        ("amberscript", "ROC_se0_ag2_f_04_1", "Interviewer", "Respondent"),
    ],
)
def test_finds_the_roles_in_labels_and_notes(
    vendor: str, name: str, interviewer: str, participant: str
) -> None:
    roles = {segment.speaker: segment.role for segment in read_vendor(vendor, name).segments}
    assert roles == {interviewer: Role.INTERVIEWER, participant: Role.PARTICIPANT}
