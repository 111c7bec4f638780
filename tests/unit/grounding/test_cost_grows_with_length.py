"""What a note costs grows no faster than its length, whatever is repeated in it.

Growth is compared and never time alone: four times the length takes 4 times as long if the cost is
linear, 16 times if it is quadratic. What takes next to no time at the greater length is not judged.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import count

import pytest

from contracts.notes import DraftNote
from grounding import assess_note
from personal_data import DetectionMode, find_personal_data
from unit.grounding.drafts import chunk, draft, segment

_TIMES = 4
_MAX_RATIO = 12
_TOO_LITTLE_S = 0.08
_RUNS = 2
_STATED = 1_980  # the longest statement has 2,000 characters
_SAID = 4_000

_REPEATED = [
    *("0 ", "a.", "a ", "A ", "1,", "(", '"', "-", "/", ". ", "$1 ", "not ", "he said ", "and "),
    *("7", "x", "\U0001f926", "e\u0301", "\u0301", "A. ", "one ", "twenty ", "if ", "half a "),
    *("3 of 4 ", "“a” ", "A b ", "\n", "1/2 ", "Monday ", "always ", "9:00 to ", "a@b.", "+1 "),
]
_COUNTED = [
    *("{} ", "${} ", "w{} ", "W{}. ", "ox w{} ", "always w{} ", "several w{} ", "not w{} "),
    *("less w{} ", "from {} to {} ", "in total {} by {} ", "he thought w{} ", "S1 said w{} "),
    *("{} dollars a week ", "{}:30 to ", "hundreds of w{} ", "prefer w{} to x{} "),
]
_SAMPLES = [*_REPEATED, *_COUNTED]
_serial = count()


def _text(sample: str, length: int) -> str:
    """A text of so many characters that no earlier run has seen: results are cached by text."""
    begin, end = f"It cost v{next(_serial)} ", " end"
    each = (sample.replace("{}", str(number)) for number in count(10))
    text = begin
    while len(text) < length:
        text += next(each)
    return text[: length - len(end)] + end


def _seconds(run: Callable[[int], object], length: int) -> float:
    """CPU time of the fastest run."""
    fastest = float("inf")
    for _ in range(_RUNS):
        begin = time.process_time()
        run(length)
        fastest = min(fastest, time.process_time() - begin)
        if fastest < _TOO_LITTLE_S:
            break
    return fastest


def _assert_grows_with(run: Callable[[int], object], longest: int) -> None:
    taken = _seconds(run, longest)
    if taken < _TOO_LITTLE_S:
        return
    before = _seconds(run, longest // _TIMES)
    assert taken <= _MAX_RATIO * before, (
        f"{before:.3f} s became {taken:.3f} s at {_TIMES} x the length"
    )


@pytest.fixture(scope="module", autouse=True)
def _read_word_lists() -> None:
    assess_note(draft("Fifty frobnicators cost 4 wugs."), chunk(segment(1, "It cost 50 dollars.")))
    find_personal_data(
        "Call Tom on 020 7946 0000.", known_names=["Tom Waits"], mode=DetectionMode.LIGHT
    )


@pytest.mark.parametrize("sample", _SAMPLES)
def test_a_statement_costs_no_more_than_its_length(sample: str) -> None:
    def beside_a_short_passage(length: int) -> None:
        assess_note(draft(_text(sample, length)), chunk(segment(1, "It was 4 dollars in Venice.")))

    def beside_the_same_words(length: int) -> None:
        spoken = chunk(segment(1, _text(sample, _STATED)))
        assess_note(draft(_text(sample, length)), spoken)

    _assert_grows_with(beside_a_short_passage, _STATED)
    _assert_grows_with(beside_the_same_words, _STATED)


@pytest.mark.parametrize("sample", _SAMPLES)
def test_a_cited_passage_costs_no_more_than_its_length(sample: str) -> None:
    def beside_a_plain_note(length: int) -> None:
        spoken = chunk(segment(1, _text(sample, length)))
        assess_note(draft("It was 4 dollars a week in total, and not always good."), spoken)

    def beside_the_same_words(length: int) -> None:
        spoken = chunk(segment(1, _text(sample, length)))
        assess_note(draft(_text(sample, _STATED)), spoken)

    _assert_grows_with(beside_a_plain_note, _SAID)
    _assert_grows_with(beside_the_same_words, _SAID)


@pytest.mark.parametrize("sample", _REPEATED)
def test_finding_personal_data_costs_no_more_than_the_length(sample: str) -> None:
    def look(length: int) -> None:
        find_personal_data(
            _text(sample, length), known_names=["Tom Waits"], mode=DetectionMode.LIGHT
        )

    _assert_grows_with(look, _SAID)


def test_labels_cost_no_more_than_their_number() -> None:
    def beside_labels(number: int) -> None:
        base = next(_serial)
        turns = [
            segment(at, "It was 4 dollars.").model_copy(update={"speaker": f"Ann {base} {at}"})
            for at in range(1, number + 1)
        ]
        assess_note(draft(f"Ann {base} 1 said that it was {base} dollars."), chunk(*turns))

    _assert_grows_with(beside_labels, 2_000)


def test_a_chunks_labels_are_read_once_for_all_of_its_notes() -> None:
    """Function calls are counted, not time: a second note's do not grow with the labels."""

    def count_calls(number: int) -> int:
        turns = [
            segment(at, "It was 4 dollars then.").model_copy(
                update={"speaker": f"Doctor Ann {number} of {at} wards"}
            )
            for at in range(1, number + 1)
        ]
        spoken, calls = chunk(*turns), count()
        assess_note(draft("It was 4 dollars."), spoken)
        sys.setprofile(lambda _frame, event, _argument: next(calls) if event == "call" else None)
        try:
            assess_note(draft("It was then 4 dollars, she said."), spoken)
        finally:
            sys.setprofile(None)
        return next(calls)

    few = count_calls(20)
    assert count_calls(20) < 1.2 * few, "the measure itself is steady"
    assert count_calls(1_000) < 3 * few + 4 * 1_000, "a call or two a label, no reading of it"


def test_notes_cost_no_more_than_their_number() -> None:
    spoken = chunk(segment(1, _text("we paid {} dollars and not more. ", _SAID)))

    def one_after_the_other(number: int) -> None:
        for at in range(number):
            note: DraftNote = draft(f"They paid {at} dollars of {next(_serial)}.")
            assess_note(note, spoken)

    _assert_grows_with(one_after_the_other, 40)
