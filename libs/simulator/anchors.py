"""First and last words that locate a passage in a segment, and only that passage."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.sentences import SentenceSlice, split_punctuated_words

_USUAL_WORDS = 4
_MAX_CHARACTERS = 300  # what a draft's evidence may hold: contracts.notes.DraftEvidence
_RUN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class AnchorWords:
    """First and last words of a quote, by which a note locates it in its segment."""

    first_words: str
    last_words: str


def find_anchor_words(segment_text: str, sentence: SentenceSlice) -> AnchorWords | None:
    """Find the fewest first and last words of a sentence that locate it in its segment.

    The first occurrence of ``first_words`` in the segment is where the sentence begins, and the
    first occurrence of ``last_words`` from there on is where it ends. That holds too for readers
    who ignore case and punctuation.

    Returns:
        The words, or nothing where no words of the sentence are unique enough, as when the same
        sentence was said before in the same segment.
    """
    first = _first_words(segment_text, sentence)
    last = _last_words(segment_text, sentence)
    return AnchorWords(first, last) if first and last else None


def _first_words(text: str, sentence: SentenceSlice) -> str | None:
    words = split_punctuated_words(sentence.text)
    begin = _first_run(text, sentence)
    for count in range(_usual(len(words)), len(words) + 1):
        candidate = sentence.text[: words[count - 1].end()]
        if len(candidate) > _MAX_CHARACTERS:
            return None
        found = _loosely(candidate).search(text)
        if found and found.start() == begin:
            return candidate
    return None


def _last_words(text: str, sentence: SentenceSlice) -> str | None:
    words = split_punctuated_words(sentence.text)
    end = _last_run(text, sentence)
    for count in range(_usual(len(words)), len(words) + 1):
        candidate = sentence.text[words[-count].start() :]
        if len(candidate) > _MAX_CHARACTERS:
            return None
        found = _loosely(candidate).search(text, sentence.start)
        if found and found.end() == end:
            return candidate
    return None


def _usual(words: int) -> int:
    """Return how many words to begin with: at most half of a short sentence's.

    Its first and last words so stay apart.
    """
    return max(1, min(_USUAL_WORDS, words // 2))


def _first_run(text: str, sentence: SentenceSlice) -> int:
    found = _RUN.search(text, sentence.start)
    return found.start() if found else sentence.start


def _last_run(text: str, sentence: SentenceSlice) -> int:
    *_, last = _RUN.finditer(text, sentence.start, sentence.end)
    return last.end()


def _loosely(words: str) -> re.Pattern[str]:
    """Return a pattern for the same words in any case and with any punctuation between them."""
    return re.compile(r"\W+".join(map(re.escape, _RUN.findall(words))), re.IGNORECASE)
