"""Repairs made while a transcript is read: counted, and worded in plain sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

from contracts.characters import describe_character, strip_hidden_characters
from transcripts.limits import check_invisible_characters

_MOST_NAMED: Final = 8
"""Kinds of hidden characters that a notice names."""
_MOST_LINES: Final = 5
"""Dropped lines that a notice names."""


class Repair(Enum):
    """Kind of repair made while parsing a transcript, with its message for users."""

    SORTED = (
        "1 cue was out of order and was sorted by its start time",
        "{} cues were out of order and were sorted by their start times",
    )
    CUE_WITHOUT_TEXT = (
        "1 cue without text was passed over",
        "{} cues without text were passed over",
    )
    BLOCK_WITHOUT_TIME = (
        "1 block of text without a time was passed over",
        "{} blocks of text without a time were passed over",
    )
    TURN_WITHOUT_TEXT = (
        "1 turn without text was passed over",
        "{} turns without text were passed over",
    )
    END_BEFORE_START = (
        "1 time ended before it began; its end was set to its start",
        "{} times ended before they began; their ends were set to their starts",
    )
    UNUSABLE_TIME = (
        "1 time was negative or no number and was left out",
        "{} times were negative or no numbers and were left out",
    )
    PLACED = (
        "1 turn has no time of its own and was placed between its neighbours",
        "{} turns have no times of their own and were placed between their neighbours",
    )
    SAME_INSTANT = (
        "1 word stands in a run of words at one instant; its time is not reliable",
        "{} words stand in runs of words at one instant; their times are not reliable",
    )
    NO_SPEAKER = (
        "1 passage names no speaker and is attributed to “Speaker”",
        "{} passages name no speaker and are attributed to “Speaker”",
    )
    NAME_WITHIN_LINE = (
        "1 name in brackets within a line begins a turn, unless it is quoted: line {first}",
        "{} names in brackets within lines begin turns, unless quoted; the first: line {first}",
    )
    TEXT_AFTER_BLANK = (
        "1 stretch of text behind a blank line was taken as part of the cue before it",
        "{} stretches of text behind blank lines were taken as part of the cues before them",
    )
    REPEATED_CUE = (
        "1 cue that repeats an earlier one, times and all, was dropped",
        "{} cues that repeat earlier ones, times and all, were dropped",
    )
    ROLLING = (
        "1 line of a rolling caption that repeats the line before it was dropped",
        "{} lines of rolling captions that repeat the lines before them were dropped",
    )
    FRAMES = (
        "1 time counts frames; it was read at {rate}",
        "{} times count frames; they were read at {rate}",
    )
    SECONDS = (
        "1 number beside a name was taken for a time in seconds",
        "{} numbers beside names were taken for times in seconds",
    )
    MINUTES = (
        "1 number with a point beside a name was taken for minutes and seconds",
        "{} numbers with a point beside names were taken for minutes and seconds",
    )
    CLOCK_SPELLING = (
        "1 time that is spelled without a colon ({spelled}) was read as {clock}",
        "{} times that are spelled without a colon were read, the first ({spelled}) as {clock}",
    )
    START_AT_END = (
        "1 turn was taken to begin where the turn before it ends: the file states ends only",
        "{} turns were taken to begin where those before them end: the file states ends only",
    )
    PART = (
        "the times start again in 1 place, as where files are put together, and were left so",
        "the times start again in {} places, as where files are put together, and were left so",
    )
    CARRIED = (
        "1 cue without a name goes on with the speaker before: this file names changes of speaker",
        "{} cues without a name go on with the speaker before: this file names changes of speaker",
    )
    CARRIED_ROW = (
        "1 row without a name goes on with the speaker before: this table names changes of speaker",
        "{} rows without a name go on with the speaker before: this table names changes of speaker",
    )
    SHORT_ROW = (
        "1 row that ends before the column of what was said was passed over",
        "{} rows that end before the column of what was said were passed over",
    )
    PAUSE = (
        "1 row that holds nothing but a pause was passed over",
        "{} rows that hold nothing but a pause were passed over",
    )
    OTHER_TIER = (
        "1 line of a tier of notes or translations was passed over",
        "{} lines of tiers of notes or translations were passed over",
    )
    UNTIMED_TIER = (
        "1 tier of annotations that refer to others was passed over",
        "{} tiers of annotations that refer to others were passed over",
    )
    SECOND_TIER = (
        "1 tier of sounds, notes or words that stand in another was passed over",
        "{} tiers of sounds, notes or words that stand in others were passed over",
    )
    PAGE_LINE = (
        "1 page number, or line at the head or foot of pages, was dropped",
        "{} page numbers, and lines at the head or foot of pages, were dropped",
    )
    TIME_OF_DAY = (
        "1 time is a time of day and was left out",
        "{} times are times of day and were left out",
    )
    NEWEST_FIRST = (
        "1 message was read; the page is taken to begin with the newest",
        "{} messages stand with the newest first and were put in the order they were sent",
    )
    TIME_BEHIND = (
        "1 time stands behind what was said and was taken for its end",
        "{} times stand behind what was said and were taken for its end",
    )
    VENDOR_LINE = (
        "1 line that a tool wrote around the talk was dropped",
        "{} lines that a tool wrote around the talk were dropped",
    )
    HEADING = (
        "1 heading of a part of the talk was dropped",
        "{} headings of parts of the talk were dropped",
    )
    CHARACTER_REFERENCE = (
        "1 character that is spelled as in HTML was decoded",
        "{} characters that are spelled as in HTML were decoded",
    )
    SUMMARY = (
        "1 line of a summary or list that stands beside the talk was dropped: line {line}",
        "{} lines of a summary or list that stands beside the talk were dropped, from line {line}",
    )
    NULL_CHARACTER = (
        "1 null character (U+0000) was removed",
        "{} null characters (U+0000) were removed",
    )
    LONG_TURN = (
        "1 turn was longer than {limit:,} characters and was split",
        "{} turns were longer than {limit:,} characters and were split",
    )


class Notices:
    """Collector of the repairs and assumptions made while parsing a transcript."""

    def __init__(self) -> None:
        self._counts: Counter[Repair] = Counter()
        self._numbers: dict[str, int | str] = {}
        self._lines: dict[Repair, set[int]] = defaultdict(set)
        self._guesses: list[str] = []
        self._hidden: dict[str, tuple[int, str]] = {}
        self._invisible = 0

    def has(self, kind: Repair) -> bool:
        """Return whether anything of a kind was mended."""
        return self._counts[kind] > 0

    def guess(self, sentence: str) -> None:
        """Note what was assumed where the source does not tell."""
        self._guesses.append(sentence)

    def include(self, others: Notices) -> None:
        """Add what others have counted and noted."""
        self._counts.update(others._counts)
        self._numbers |= others._numbers
        for kind, lines in others._lines.items():
            self._lines[kind] |= lines
        self._guesses += others._guesses

    def look_for_hidden(self, text: str, place: str) -> None:
        """Note the characters that are taken out of a text because they hide in it.

        Args:
            text: as the source has it.
            place: where, such as ``line 12``.

        Raises:
            TooLargeTranscriptError: all texts together have too many invisible characters.
        """
        self._invisible = check_invisible_characters(text, counted=self._invisible)
        _, hidden = strip_hidden_characters(text)
        for sign, number in Counter(hidden).items():
            if sign != "\0":  # which has a sentence of its own
                count, first = self._hidden.get(sign, (0, place))
                self._hidden[sign] = count + number, first

    def drop_lines(self, kind: Repair, lines: Iterable[int]) -> None:
        """Count lines that were dropped, and note their numbers in the file, from 1."""
        numbers = set(lines)
        self.add(kind, len(numbers))
        if numbers:
            self._lines[kind] |= numbers

    def add(self, kind: Repair, count: int = 1, **numbers: int | str) -> None:
        """Count ``count`` more mendings of a kind; none is none.

        ``numbers`` are what the kind's sentences name beside the count.
        """
        if count:
            self._counts[kind] += count
            self._numbers |= numbers

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each guess, then for each kind of mending, in the order of ``Repair``.

        Characters that were taken out come last, with their names and where the first one was.
        """
        mended = tuple(self._guesses) + tuple(
            (one if self._counts[kind] == 1 else many).format(self._counts[kind], **self._numbers)
            + self._places(kind)
            for kind in Repair
            for one, many in [kind.value]
            if self._counts[kind]
        )
        return (*mended, *self._of_hidden())

    def _places(self, kind: Repair) -> str:
        """Where a kind was mended, as ``: lines 1, 4, 9 and 2 more``; "" if it is not noted."""
        lines = sorted(self._lines.get(kind, ()))
        if not lines:
            return ""
        shown = ", ".join(f"{one:,}" for one in lines[:_MOST_LINES])
        more = len(lines) - _MOST_LINES
        return f": line{'s' if len(lines) > 1 else ''} {shown}" + (
            f" and {more:,} more" if more > 0 else ""
        )

    def _of_hidden(self) -> Iterator[str]:
        shown = list(self._hidden.items())[:_MOST_NAMED]
        for sign, (count, first) in shown:
            what = f"no part of the writing ({describe_character(sign)})"
            if count == 1:
                yield f"1 character that is {what} was removed in {first}"
            else:
                yield f"{count:,} characters that are {what} were removed, the first in {first}"
        if more := len(self._hidden) - len(shown):
            yield f"characters of {more:,} more such kinds were removed"
