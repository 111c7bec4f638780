"""A model reads whole sentences around a quote, with who says them and what was asked."""

from __future__ import annotations

import re

import pytest

from contracts.events import ChunkReady
from entailment.windows import Utterance, build_windows, list_utterances, rank_windows
from grounding.evidence import resolve_citations
from support.stove_talk import chunk_of, note_on


def token_ends(text: str) -> list[int]:
    """Return where the words of a text end: a tokenizer for these tests."""
    return [found.end() for found in re.finditer(r"\S+", text)]


def read(chunk: ChunkReady, *cited: int, budget: int = 100) -> list[str]:
    found = resolve_citations(note_on("A note.", *cited).evidence, chunk).found
    return build_windows(list_utterances(found, chunk), budget, token_ends)


def test_an_answer_is_read_with_its_question_and_nothing_behind() -> None:
    chunk = chunk_of(
        ("Ben", "We came in May."),
        ("Ann", "I see. Did you ever buy coal?"),
        ("Ben", "Never."),
        ("Ann", "And oil?"),
    )
    assert read(chunk, 3) == ["Ann: I see. Did you ever buy coal?\nBen: Never."]


def test_a_question_by_another_participant_is_read_too_and_a_remark_is_not() -> None:
    asked = chunk_of(("Eve", "Is it warm?"), ("Ben", "Quite."))
    remarked = chunk_of(("Eve", "It is warm."), ("Ben", "Quite."))
    assert read(asked, 2) == ["Eve: Is it warm?\nBen: Quite."]
    assert read(remarked, 2) == ["Ben: Quite."]


def test_cited_turns_are_read_in_the_transcripts_order_once_each() -> None:
    chunk = chunk_of(("Ann", "Warm?"), ("Ben", "Yes."), ("Ann", "Dry?"), ("Ben", "No."))
    assert read(chunk, 4, 2, 3) == ["Ann: Warm?\nBen: Yes.\nAnn: Dry?\nBen: No."]


def test_of_a_long_turn_the_sentences_around_the_quote_are_read() -> None:
    turn = " ".join(f"This is sentence number {at}." for at in range(40))
    chunk = chunk_of(("Ann", "Well?"), ("Ben", turn))
    evidence = (
        note_on("A note.", 2)
        .evidence[0]
        .model_copy(update={"first_words": "number 20", "last_words": "number 20."})
    )
    found = resolve_citations([evidence], chunk).found
    texts = [one.text for one in list_utterances(found, chunk)]
    assert texts == ["Well?", *(f"This is sentence number {at}." for at in range(18, 23))]


@pytest.mark.parametrize("budget", [16, 30, 100])
def test_windows_keep_their_size_overlap_and_leave_no_sentence_out(budget: int) -> None:
    sentences = [f"Sentence {at} has six words." for at in range(60)]
    utterances = [Utterance(at // 7, "Ben", one) for at, one in enumerate(sentences)]
    windows = build_windows(utterances, budget, token_ends)
    assert all(len(token_ends(one)) <= budget for one in windows)
    assert all(any(sentence in one for one in windows) for sentence in sentences)
    assert all(one.startswith("Ben: ") for one in windows)
    together = sum(one.count("Sentence") for one in windows)
    assert together <= 2 * len(sentences)
    if budget > 30:
        assert together > len(sentences)


def test_a_sentence_longer_than_a_window_is_cut_at_tokens() -> None:
    words = [f"word{at}" for at in range(100)]
    windows = build_windows([Utterance(1, "Ben", " ".join(words))], 21, token_ends)
    assert all(len(token_ends(one)) <= 21 for one in windows)
    assert " ".join(one.removeprefix("Ben: ") for one in windows).split() == words


def test_the_number_of_windows_grows_no_faster_than_the_evidence() -> None:
    def count(sentences: int) -> int:
        utterances = [Utterance(1, "Ben", f"Sentence {at} is here.") for at in range(sentences)]
        return len(build_windows(utterances, 40, token_ends))

    assert count(800) <= 2.2 * count(400)


def test_the_windows_that_share_most_words_with_a_sentence_are_scored() -> None:
    windows = ["Ben: It rained.", "Ben: We buy coal.", "Ben: The coal is dear, and we buy gas."]
    assert rank_windows(windows, "Ben buys dear coal.", 1) == [windows[2]]
    assert rank_windows(windows, "Ben buys dear coal.", 2) == [windows[2], windows[1]]
    assert rank_windows(windows, "It rains.", 3) == windows
