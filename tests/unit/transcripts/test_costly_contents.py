"""What costs far more to read than its size tells is refused before it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import pytest

from transcripts import read_transcript, reading
from transcripts.errors import TooLargeTranscriptError
from transcripts.limits import LIMITS

OBJECTS: Final = ",{}" * LIMITS.json_objects
"""Of an interview of 1.5 MB, which took more than a second; one of 20 MB took 40."""

JSON: Final = {
    "whisper": f'{{"text": "Hello.", "segments": [{{}}{OBJECTS}]}}',
    "chunks": f'{{"text": "Hello.", "chunks": [{{}}{OBJECTS}]}}',
    "rev": f'{{"monologues": [{{}}{OBJECTS}]}}',
    "of no vendor": f"[{{}}{OBJECTS}]",
}

INVISIBLE: Final = {
    "the same": "\u200b" * (LIMITS.invisible_characters + 1),
    "in turn": "\u200c\u200d" * (LIMITS.invisible_characters // 2 + 1),
    "between letters": "a\u00ad" * (LIMITS.invisible_characters + 1),
}


@pytest.fixture
def never_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it fail to look into a content, so that a refusal is known to come before that."""

    def look(_: object) -> None:
        raise AssertionError("it was looked into")

    monkeypatch.setattr(reading, "_recognise", look)


@pytest.mark.usefixtures("never_recognised")
@pytest.mark.parametrize("content", JSON.values(), ids=JSON)
def test_json_of_too_many_objects_is_refused_before_it_is_decoded(content: str) -> None:
    with pytest.raises(TooLargeTranscriptError, match="more than 500,000 objects of JSON"):
        read_transcript(content)


@pytest.mark.usefixtures("never_recognised")
@pytest.mark.parametrize("hidden", INVISIBLE.values(), ids=INVISIBLE)
def test_a_text_of_too_many_invisible_characters_is_refused_before_they_are_looked_at(
    hidden: str,
) -> None:
    with pytest.raises(TooLargeTranscriptError, match="more than 500,000 invisible characters"):
        read_transcript(f"Anna: Hello{hidden} there.")


def _rev(*texts: str) -> str:
    elements = [{"type": "text", "value": text} for text in texts]
    return json.dumps({"monologues": [{"speaker": 0, "elements": [one]} for one in elements]})


WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "in one turn": lambda hidden: _rev(f"Hello{hidden} there."),
    "in several turns": lambda hidden: _rev(
        f"Hello{hidden[::2]} there.", f"And{hidden[1::2]} then."
    ),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_invisible_characters_that_json_has_under_other_names_count_too(
    written: Callable[[str], str],
) -> None:
    content = written(INVISIBLE["the same"])
    assert content.isascii()
    with pytest.raises(TooLargeTranscriptError, match="more than 500,000 invisible characters"):
        read_transcript(content)


def _rev_of(words: int) -> str:
    """Write an interview as Rev's API does: a blank or a mark of its own behind each word."""
    marks = [{"type": "punct", "value": mark} for mark in (" ", ". ")]
    elements = [
        one
        for at in range(words)
        for one in (
            {"type": "text", "value": "and", "ts": at / 4, "end_ts": at / 4},
            marks[at % 7 == 0],
        )
    ]
    return json.dumps({"monologues": [{"speaker": 0, "elements": elements}]})


def _aws_of(words: int) -> str:
    """Write an interview as Amazon Transcribe does: marks without times of their own."""
    items = [
        {"type": "punctuation", "alternatives": [{"content": "."}]}
        if at % 8 == 7
        else {
            "type": "pronunciation",
            "start_time": str(at / 4),
            "end_time": str(at / 4),
            "alternatives": [{"content": "and"}],
        }
        for at in range(words * 8 // 7)
    ]
    return json.dumps({"results": {"items": items}})


def _eleven_labs_of(words: int) -> str:
    """Write an interview as ElevenLabs does: blanks with times of their own."""
    listed = [
        {"text": text, "type": kind, "start": at / 4, "end": at / 4, "speaker_id": "a"}
        for at in range(words)
        for text, kind in (("and", "word"), (" ", "spacing"))
    ]
    return json.dumps({"language_code": "en", "text": "and", "words": listed})


LONG: Final = {"rev": _rev_of, "aws": _aws_of, "elevenlabs": _eleven_labs_of}


@pytest.mark.parametrize("write", LONG.values(), ids=LONG)
def test_blanks_and_untimed_marks_between_words_are_no_timed_words(
    write: Callable[[int], str],
) -> None:
    words = LIMITS.timed_words - 10_000
    segments = read_transcript(write(words)).segments
    assert sum(len(segment.words) for segment in segments) == words


def test_more_timed_words_than_the_limit_are_refused() -> None:
    with pytest.raises(TooLargeTranscriptError, match="more than 120,000 timed words"):
        read_transcript(_rev_of(LIMITS.timed_words + 1))


def test_an_interview_of_twelve_hours_is_within_the_limits() -> None:
    words = [{"alternatives": [{"content": "and"}], "type": "pronunciation"}] * 110_000
    marks = [{"alternatives": [{"content": "."}], "type": "punctuation"}] * 15_000
    labelled = [{"speaker_label": "spk_0", "start_time": "1.0"}] * 110_000
    document = {"results": {"items": words + marks, "speaker_labels": {"items": labelled}}}
    assert json.dumps(document).count("{") < LIMITS.json_objects
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 " * 110_000
    assert persian.count("\u200c") * 4 < LIMITS.invisible_characters
