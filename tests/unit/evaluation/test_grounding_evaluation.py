"""The evaluation of the checks: how notes are made, mutated, checked and counted."""

from __future__ import annotations

import json
from random import Random

import pytest

from contracts.transcript import Role, Segment
from evaluation.grounding.metamorphic import check_mutated_notes
from evaluation.grounding.metamorphic_measures import measure_mutated_notes
from evaluation.grounding.mutations import MUTATIONS
from evaluation.grounding.summedits import check_sample, parse_summedits
from evaluation.grounding.true_notes import build_chunk, iter_true_notes
from evaluation.grounding.verdicts import LabelledVerdict, list_commonest_errors, score_verdicts
from evaluation.modes import CheckMode
from evaluation.splits import assign_split

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


def _verdict(*, true: bool, accepted: bool, category: str = "") -> LabelledVerdict:
    categories = (category,) if category else ()
    return LabelledVerdict(
        true, accepted, categories, () if accepted else ("some_check",), "words", "document"
    )


def test_takes_one_cleaned_note_a_sentence_from_participants_only() -> None:
    statements = [one.draft.statement for one in iter_true_notes(build_chunk("talk", _TALK))]
    assert statements[0] == "Well, we pay forty dollars every Monday before lunch."
    assert len(statements) == 3


def test_mutates_a_note_in_every_way_it_allows() -> None:
    chunk = build_chunk("talk", _TALK)
    made = {
        mutation.name
        for note in iter_true_notes(chunk)
        for mutation in MUTATIONS
        if mutation.mutate(note, chunk, Random(1)) not in {None, note.draft}
    }
    assert made == {mutation.name for mutation in MUTATIONS}


def test_gives_the_same_verdicts_for_the_same_seed() -> None:
    assert list(check_mutated_notes("talk", _TALK, 3)) == list(
        check_mutated_notes("talk", _TALK, 3)
    )


def test_lets_every_true_note_of_a_plain_talk_through() -> None:
    assert all(one.is_accepted for one in check_mutated_notes("talk", _TALK, 3) if one.is_true)


def test_balanced_accuracy_counts_true_and_false_alike() -> None:
    verdicts = [_verdict(true=True, accepted=True)] * 9 + [_verdict(true=False, accepted=True)]
    assert score_verdicts(verdicts).balanced_accuracy == 0.5
    assert score_verdicts([]).precision == 0.0


def test_lists_the_commonest_errors_with_an_example() -> None:
    verdicts = [_verdict(true=False, accepted=True, category="time")] * 2
    verdicts += [_verdict(true=True, accepted=False), _verdict(true=True, accepted=True)]
    assert list_commonest_errors(verdicts) == [
        "false, but accepted: time: 2, such as “words”",
        "true, but refused by some_check: 1, such as “words”",
    ]


def test_a_document_is_always_in_the_same_half() -> None:
    splits = [assign_split(str(number)) for number in range(100)]
    assert splits == [assign_split(str(number)) for number in range(100)]
    assert len(set(splits)) == 2


def test_reads_a_dialogue_of_the_benchmark_turn_by_turn() -> None:
    document = "Ann: Buy butter. . Mike: Ok. . Mike: Do we have milk? . Ann: Yes, in the fridge. "
    sample = {"doc": document, "summary": "Zoe buys butter.", "label": 0, "edit_types": ["name"]}
    verdict = check_sample(parse_summedits(json.dumps([sample]))[0])
    assert not verdict.is_accepted
    assert verdict.failed_checks == ("name_not_in_evidence",)
    assert verdict.categories == ("name",)


@pytest.mark.parametrize("text", ["[1]", '[{"doc": "a"}]', "{", "7"])
def test_refuses_what_is_no_file_of_the_benchmark(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_summedits(text)


def test_true_notes_in_own_words_are_shown_and_no_spoiled_one() -> None:
    verdicts = list(check_mutated_notes("talk", _TALK, 3))
    shown = [one for one in verdicts if one.is_shown]
    assert shown
    assert all(one.is_true and one.is_accepted for one in shown)


def test_the_spoiled_share_of_what_is_shown_is_measured() -> None:
    measures = measure_mutated_notes({"talk": _TALK}, 3, {CheckMode.LIGHT: None})
    [shown] = [one for one in measures if one.name == "metamorphic-shown-false"]
    assert (shown.figure, shown.holds) == (0.0, True)
    assert shown.sides["light"]["true shown"] > 0
