"""Texts of interviews are masked by what is known of their own interview, also when read again."""

from __future__ import annotations

from read_model.transcripts import mask_texts

SAID = "Then Zorvan and Quillix went home."


def test_the_same_words_are_masked_by_their_own_interviews_names() -> None:
    first = mask_texts([SAID, SAID], "xx", ["Zorvan", "Ada"])
    second = mask_texts([SAID], "xx", ["Quillix", "Ada"])
    assert first == ("Then [PERSON] and Quillix went home.",) * 2
    assert second == ("Then Zorvan and [PERSON] went home.",)
    assert mask_texts([SAID, SAID], "xx", ["Zorvan", "Ada"]) == first


def test_the_same_words_are_masked_by_their_own_language() -> None:
    text = "I met Doctor Margaret Hale in Chicago."
    assert mask_texts([text], "xx", ["Ada"]) == (text,)
    assert "Hale" not in mask_texts([text], "en", ["Ada"])[0]
