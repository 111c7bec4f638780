"""The evaluation itself: how notes are made, spoiled, judged and counted."""

from __future__ import annotations

import json
from random import Random

import pytest

from contracts.transcript import Role, Segment
from grounding.evaluation import (
    Verdict,
    commonest_errors,
    examine,
    half_of,
    judged,
    read_samples,
    score,
)
from grounding.evaluation.extracts import extracts, whole
from grounding.evaluation.spoiling import KINDS

_TALK = (
    Segment(number=1, speaker="Ida", role=Role.INTERVIEWER, text="What does it cost you a month?"),
    Segment(
        number=2,
        speaker="Tom",
        role=Role.PARTICIPANT,
        text="Well, uh, we pay forty dollars every Monday before lunch. "
        "I would not give it to Bob in the shop.",
    ),
    Segment(
        number=3,
        speaker="Ann",
        role=Role.PARTICIPANT,
        text="The garden and the greenhouse are what keeps my mother busy all summer.",
    ),
)


def _verdict(*, true: bool, accepted: bool, kind: str = "") -> Verdict:
    kinds = (kind,) if kind else ()
    return Verdict(true, accepted, kinds, () if accepted else ("some_check",), "words", "document")


def test_takes_one_tidied_note_a_sentence_from_participants_only() -> None:
    statements = [one.draft.statement for one in extracts(whole("talk", _TALK))]
    assert statements[0] == "Well, we pay forty dollars every Monday before lunch."
    assert len(statements) == 3


def test_spoils_a_note_in_every_way_it_allows() -> None:
    there = whole("talk", _TALK)
    made = {
        kind.name
        for extract in extracts(there)
        for kind in KINDS
        if kind.spoil(extract, there, Random(1)) not in {None, extract.draft}
    }
    assert made == {kind.name for kind in KINDS}


def test_judges_the_same_whenever_it_is_asked() -> None:
    assert list(examine("talk", _TALK, 3)) == list(examine("talk", _TALK, 3))


def test_lets_every_true_note_of_a_plain_talk_through() -> None:
    assert all(one.is_accepted for one in examine("talk", _TALK, 3) if one.is_true)


def test_balanced_accuracy_weighs_true_and_false_alike() -> None:
    verdicts = [_verdict(true=True, accepted=True)] * 9 + [_verdict(true=False, accepted=True)]
    assert score(verdicts).balanced_accuracy == 0.5
    assert score([]).precision == 0.0


def test_tells_the_commonest_errors_with_an_example() -> None:
    verdicts = [_verdict(true=False, accepted=True, kind="time")] * 2
    verdicts += [_verdict(true=True, accepted=False), _verdict(true=True, accepted=True)]
    assert commonest_errors(verdicts) == [
        "false, but accepted: time: 2, such as “words”",
        "true, but refused by some_check: 1, such as “words”",
    ]


def test_a_document_is_always_in_the_same_half() -> None:
    halves = [half_of(str(number)) for number in range(100)]
    assert halves == [half_of(str(number)) for number in range(100)]
    assert len(set(halves)) == 2


def test_reads_a_dialogue_of_the_benchmark_turn_by_turn() -> None:
    document = "Ann: Buy butter. . Mike: Ok. . Mike: Do we have milk? . Ann: Yes, in the fridge. "
    sample = {"doc": document, "summary": "Zoe buys butter.", "label": 0, "edit_types": ["name"]}
    verdict = judged(read_samples(json.dumps([sample]))[0])
    assert not verdict.is_accepted
    assert verdict.checks == ("name_not_in_evidence",)
    assert verdict.kinds == ("name",)


@pytest.mark.parametrize("text", ["[1]", '[{"doc": "a"}]', "{", "7"])
def test_refuses_what_is_no_file_of_the_benchmark(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_samples(text)
