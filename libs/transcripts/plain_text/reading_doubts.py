"""Signs in the lines of a plain text that somebody who speaks was not noticed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from transcripts.plain_text.lines import TextLine
from transcripts.plain_text.summaries import is_summary_heading
from transcripts.speakers.candidates import LabelCandidate, LabelMarking
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.labels import TWICE, SpeakerLabels, get_last_name
from transcripts.text import ends_within_sentence

_ASKS: Final = ("?", "\uff1f", "\u061f", '?"', "?\u201d")
_EMPHASISED: Final = re.compile(r"(\*{1,3}|_{1,2})[^*_\n]+\1")
_SOME: Final = 0.3
_HALF: Final = 0.5
_NEARLY_ALL: Final = 0.9
_MANY: Final = 4
_LINES_BELOW: Final = 4  # a heading, and what stands below it
_MOST: Final = 0.8
_FEW: Final = 3
_QUOTATION: Final = re.compile(r"[\"\u201c\u201e\u00ab].*[\"\u201d\u201c\u00bb][.,]?", re.DOTALL)
_SCENE: Final = re.compile(r"(?:INT|EXT|INT\.?/EXT|I/E)[. ]\s?[A-Z][A-Z0-9 .,'\u2019/&()-]{2,80}$")
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)")
_BRACKETS: Final = re.compile(r"\([^()]{2,60}\)")
_ENDS: Final = frozenset('.?!…"\u201d)]')
_NOTE: Final = re.compile(r"[\[(]?(\d{1,3})(?:[\])]|\.|\s)\s*[^\W\d_a-z]")
_REFERS: Final = re.compile(r"\[(\d{1,3})\]|[^\W\d][.?!,\"\u201d](\d{1,3})(?!\S)")
_OTHER_TALK: Final = re.compile(
    r"(?:transcript|interview|conversation|recording|meeting|call)\s(?:no\.?\s?)?\d{1,3}\b.{0,120}"
    r"|(?:participants|attendees|speakers):\W{0,4}",
    re.IGNORECASE,
)
_SHOWN: Final = 60
_HEADING_WORDS: Final = 6
_HEADING_LETTERS: Final = 4
_MARKS: Final = ";.,|>="
_MARK: Final = re.compile(r"\s?[;.,|>=]\s+\S|\s+[A-Z\"\u201c\u00bf]")


def find_layout_doubts(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Yield warnings where a line without a label may belong to another speaker.

    Args:
        lines: the file's lines.
        found: the labels that are believed.
    """
    if not found:
        yield from _names_behind_times(lines)
        return
    yield from _alone_behind_times(lines, found)
    yield from _alone_beside_times(lines, found)
    yield from _missed_among_labelled(lines, found)
    yield from _only_one_named(lines, found)
    yield from _unnamed_questions(lines, found)
    yield from _labels_without_mark(lines, found)
    yield from _headings_of_summaries(lines, found)
    yield from _heads_of_other_talks(lines, found)
    yield from _all_named_once(lines, found)
    yield from _only_within_paragraphs(lines, found)
    yield from _list_of_tasks(lines, found)
    yield from _screenplay(lines)
    yield from _headings_between_turns(lines, found)
    yield from _footnotes(lines, found)
    yield from _quotations(lines, found)


def _headings_between_turns(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Paragraphs of a few words without an end, each before a turn, as headings stand."""
    chosen = [found.choose(line.candidates) for line in lines]
    headings: list[TextLine] = []
    run: list[TextLine] | None = None  # lines without a name since the last turn
    for line, one in zip(lines, chosen, strict=True):
        if one is None:
            if run is not None:
                run.append(line)
            continue
        if run and run[0].paragraph and all(map(_may_be_heading, run)):
            ends = run[-1].text.rstrip().endswith(":")
            headings += run if line.paragraph or ends else []
        run = [] if one.text.strip() else None
    said = [one.text.strip() for one in chosen if one is not None and one.text.strip()]
    ended = sum(text[-1] in _ENDS for text in said) >= _MOST * len(said)
    upper = [line for line in headings if line.text.isupper()]
    for line in upper[:1] if not all(map(str.isupper, said)) else ():
        yield f"line {line.number}, “{line.text.strip()}”, may be a heading, which nobody said"
    if not upper and len(headings) >= TWICE and ended:
        yield (
            f"line {headings[0].number}, “{headings[0].text.strip()}”, and others before turns "
            "have no end: they may be headings, which nobody said"
        )


def _footnotes(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Numbered lines below the last turn, where numbers in the turns refer to them."""
    below = len(lines)
    while below and found.choose(lines[below - 1].candidates) is None:
        below -= 1
    notes = [line for line in lines[below:] if _NOTE.match(line.original or line.text)]
    start = next((line for line in notes if line.paragraph), None)
    if start is None:
        return
    numbers = {match[1] for line in notes if (match := _NOTE.match(line.original or line.text))}
    refers = {
        match[1] or match[2] for line in lines[:below] for match in _REFERS.finditer(line.text)
    }
    if numbers & refers:
        yield f"the lines from line {start.number} may be footnotes, which nobody said"


def _may_be_heading(line: TextLine) -> bool:
    text = line.text.strip().rstrip(":").lstrip("\u00b7•-* ")
    words = text.split()
    return (
        0 < len(words) <= _HEADING_WORDS
        and not line.original
        and text[-1].isalnum()
        and text[0].isupper()
        and len(text) >= _HEADING_LETTERS
    )


def _quotations(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Turns that are all in quotation marks, and prose between them, as in an article."""
    chosen = [one for line in lines if (one := found.choose(line.candidates)) is not None]
    quoted = sum(_QUOTATION.fullmatch(one.text.strip()) is not None for one in chosen)
    prose = sum(line.paragraph and found.choose(line.candidates) is None for line in lines)
    if quoted >= max(TWICE, _MOST * len(chosen)) and 2 * prose >= quoted:
        yield (
            f"{quoted:,} turns are in quotation marks, and {prose:,} paragraphs between have none: "
            "they may be an author's words"
        )


def _list_of_tasks(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Names in nothing but the points of a list below the heading of a summary or of tasks."""
    heading = next((line for line in lines if is_summary_heading(line.text)), None)
    chosen = [line for line in lines if found.choose(line.candidates) is not None]
    if _are_points(chosen, found):
        yield "the labels are words in a list, and what follows goes on in small letters"
        return
    if heading is None or not chosen or chosen[0].number < heading.number:
        return
    if sum(line.is_list_item for line in chosen) >= _MOST * len(chosen):
        yield (
            f"names stand in a list below “{heading.text.strip('#*_ :')}” only: they may be who "
            "has to do something, and nobody's speech"
        )


def _are_points(chosen: Sequence[TextLine], found: SpeakerLabels) -> bool:
    """Whether all labels are ordinary words of list items that go on in small letters."""
    ones = [one for line in chosen if (one := found.choose(line.candidates)) is not None]
    return (
        len(ones) >= _FEW
        and all(line.is_list_item for line in chosen)
        and all(classify_label(one.label) not in {LabelKind.NAME, LabelKind.ROLE} for one in ones)
        and sum(one.starts_lower for one in ones) >= _MOST * len(ones)
    )


def _screenplay(lines: Sequence[TextLine]) -> Iterator[str]:
    """Headings of scenes, between which descriptions stand that nobody says."""
    scenes = [line for line in lines if _SCENE.match(line.text)]
    if scenes:
        yield (
            f"line {scenes[0].number} is the heading of a scene: descriptions of a screenplay may "
            "stand in what was said"
        )


def _only_within_paragraphs(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Names that never begin a paragraph, where others always do: a talk that somebody quotes."""
    begin: Counter[str] = Counter()
    within: Counter[str] = Counter()
    labels: dict[str, str] = {}
    for line in lines:
        one = found.choose(line.candidates)
        if one is None or one.later or one.form is not LabelMarking.COLON:
            continue
        labels.setdefault(one.key, one.label)
        (begin if line.paragraph else within)[one.key] += 1
    always = [key for key, count in begin.items() if count >= TWICE and not within[key]]
    never = [key for key in within if not begin[key]]
    if (
        len(always) >= TWICE
        and sum(begin[key] for key in always) >= _MOST * begin.total()
        and TWICE <= sum(within[key] for key in never) == within.total() < begin.total()
    ):
        yield (
            f"“{labels[never[0]]}” stands within paragraphs only, where others always begin one: "
            "it may be a talk that somebody quotes"
        )


def _all_named_once(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Names before colons that all stand once and ask nothing, as in lists and headings."""
    chosen = [(line, one) for line in lines if (one := found.choose(line.candidates)) is not None]
    names = {_IN_BRACKETS.sub("", one.key) for _, one in chosen}
    labels = {get_last_name(one) if get_last_name(one) in names else one for one in names}
    plain = all(one.form is LabelMarking.COLON for _, one in chosen)
    # `The wind` is written as `The Minister` is.
    roles = sum(
        classify_label(one.label) is LabelKind.ROLE and not one.key.startswith("the ")
        for _, one in chosen
    )
    roles -= len(chosen) >= _MANY and roles == 1  # `Client: …` among fields of a form
    asks = any(line.text.rstrip().endswith(_ASKS) for line in lines)
    members = sum(len(_BRACKETS.findall(one.label)) >= TWICE for _, one in chosen)
    if TWICE * members >= len(chosen):
        return  # with seat and party: a parliament's minutes
    alone = all(one.form is LabelMarking.ALONE for _, one in chosen)
    if len(labels) == len(chosen) >= TWICE and alone and len(lines) >= _LINES_BELOW * len(chosen):
        yield f"“{chosen[0][1].label}” and others stand alone once each: they may be headings"
        return
    said = sum(one.text.rstrip()[-1:] in _ENDS for _, one in chosen)
    nearly = len(labels) >= max(_MANY, _MOST * len(chosen)) and said < _HALF * len(chosen)
    once = len(labels) == len(chosen) or nearly
    if once and len(chosen) >= _FEW and plain and not roles and not asks:
        yield (
            f"each of the {len(labels):,} names stands once: they may be a list, and no speakers"
        )


def _headings_of_summaries(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """A heading of a summary or a list of tasks behind the first turn, and turns below it."""
    named = False
    for line in lines:
        if named and line.paragraph and is_summary_heading(line.text):
            yield (
                f"line {line.number}, “{line.text.strip('#*_ :')}”, may be the heading of a "
                "summary or a list, which nobody said"
            )
            return
        named = named or found.choose(line.candidates) is not None


def _heads_of_other_talks(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """The head of another transcript behind the first turn: `Transcript 2`, `Participants:`."""
    named = False
    for line in lines:
        is_turn = found.choose(line.candidates) is not None
        shown = line.text.strip("#*_ ")
        if named and not is_turn and line.paragraph and _OTHER_TALK.fullmatch(shown):
            shown = shown[:_SHOWN]
            yield f"line {line.number}, “{shown}”, may head another talk, and nobody said it"
            return
        named = named or is_turn


def _labels_without_mark(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """A line between turns of others that begins with a label whose mark is missing."""
    chosen = [found.choose(line.candidates) for line in lines]
    counts = Counter(one.key for one in chosen if one is not None)
    labels: dict[str, set[str]] = defaultdict(set)  # by their first words
    for one in chosen:
        if one is not None and counts[one.key] >= TWICE:
            labels[one.label.split()[0]].add(one.label)
    following: list[str] = []
    key = ""
    for one in reversed(chosen):
        following.append(key)
        key = key if one is None else one.key
    current = ""
    for at, (line, one, later) in enumerate(zip(lines, chosen, following[::-1], strict=True)):
        if one is not None:
            current = one.key
            continue
        if at == 0 or not current or ends_within_sentence(lines[at - 1].text):
            continue
        first_word = line.text.split(maxsplit=1)[:1]
        for label in labels.get(first_word[0].rstrip(_MARKS), ()) if first_word else ():
            if (
                label.casefold() not in {current, later}
                and line.text.startswith(label)
                and _MARK.match(line.text, len(label))
            ):
                yield (
                    f"line {line.number} begins with “{label}” as speakers' turns do, and has no "
                    "mark behind it: it may be that speaker's"
                )
                return


def _alone_behind_times(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """A few words that stand again and again alone behind a time, above what is said."""
    alone = Counter(
        line.text.strip()
        for line, following in pairwise(lines)
        if line.original
        and not following.original
        and following.text.strip()
        and not following.paragraph
        and found.choose(line.candidates) is None
    )
    for text, count in alone.items():
        if count >= TWICE and 0 < len(text.split()) <= _FEW and text[-1].isalnum():
            yield (
                f"“{text}” stands alone behind a time {count:,} times, above what is said: it may "
                "be who speaks"
            )
            return


def _alone_beside_times(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Labels alone on lines that are no times' neighbours, where times begin what is said."""
    alone = [
        (line, below)
        for line, below in pairwise(lines)
        if (one := found.choose(line.candidates)) is not None and one.form is LabelMarking.ALONE
    ]
    named = sum(found.choose(line.candidates) is not None for line in lines)
    timed = sum(line.start_ms is not None and bool(line.text.strip()) for line in lines)
    if len(alone) == named and timed > 2 * named and not any(below.original for _, below in alone):
        yield (
            f"“{alone[0][0].text.strip()}” and others stand alone, and times begin what is said "
            "elsewhere: they may be parts of the page"
        )


def _missed_among_labelled(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """A word before a colon, taken for speech where nearly every line begins with a name."""
    spoken = [line for line in lines if line.text.strip() and not line.text.startswith("[")]
    named = sum(found.choose(line.candidates) is not None for line in spoken)
    missed = [
        line.candidates[0]
        for line in spoken
        if line.candidates
        and found.choose(line.candidates) is None
        and not line.is_list_item
        and _may_be_missed(line.candidates[0])
    ]
    if missed and named > _MANY and named + len(missed) >= _NEARLY_ALL * len(spoken):
        yield (
            f"“{missed[0].label}” begins a line as nearly all lines begin with a name: it may be "
            "another speaker"
        )


def _may_be_missed(one: LabelCandidate) -> bool:
    return (
        one.form is LabelMarking.COLON
        and not one.later
        and one.label[:1].isupper()
        and len(one.label.split()) <= _FEW
        and one.label.replace(" ", "").isalpha()
        and one.text.lstrip("\"\u201c'*(")[:1].isupper()
        and classify_label(one.label) is not LabelKind.HEADING
    )


def _only_one_named(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """A name that stands again and again although nobody else is named between."""
    chosen = [(line, found.choose(line.candidates)) for line in lines]
    names = [one.label for _, one in chosen if one is not None]
    unnamed = sum(one is None and line.paragraph for line, one in chosen)
    if len(set(names)) == 1 and _asked_between([(line.text, one) for line, one in chosen]):
        yield f"only {names[0]} is named, and lines without a name that ask stand before each turn"
        return
    if len(names) == 1 and (asking := _asked_below(chosen)):
        yield (
            f"only {names[0]} is named, once, and {asking:,} paragraphs below ask: they may be "
            "another speaker's"
        )
        return
    if len(set(names)) == 1 and len(names) >= _FEW and _alternates([one for _, one in chosen]):
        yield f"only {names[0]} is named, and one line without a name stands between any two turns"
        return
    if len(set(names)) == 1 and len(names) > 1 and unnamed >= len(names) / 2:
        yield (
            f"only {names[0]} is named, {len(names):,} times, and {unnamed:,} paragraphs have no "
            "name: they may be another speaker's"
        )


def _asked_between(chosen: Sequence[tuple[str, LabelCandidate | None]]) -> bool:
    """Whether a line without a label that asks stands before most lines with one."""
    asked = [
        before is None and text.rstrip().endswith(_ASKS)
        for (text, before), (_, one) in pairwise(chosen)
        if one is not None
    ]
    return len(asked) > 1 and sum(asked) >= _MOST * len(asked)


def _asked_below(chosen: Sequence[tuple[TextLine, LabelCandidate | None]]) -> int:
    """How many lines ask below the only one that names somebody, if others stand between them."""
    begin = next(at for at, (_, one) in enumerate(chosen) if one is not None)
    asks = [line.text.rstrip().endswith(_ASKS) for line, _ in chosen[begin + 1 :]]
    changes = sum(earlier != later for earlier, later in pairwise(asks))
    return sum(asks) if sum(asks) >= _FEW and changes >= _HALF * len(asks) else 0


def _alternates(chosen: Sequence[LabelCandidate | None]) -> bool:
    """Whether lines with a label and without take turns, one by one."""
    changes = sum((earlier is None) != (later is None) for earlier, later in pairwise(chosen))
    return changes == len(chosen) - 1


def _unnamed_questions(lines: Sequence[TextLine], found: SpeakerLabels) -> Iterator[str]:
    """Paragraphs without a name that are set off, or are as many as the named, and ask."""
    starts = [line for line in lines if line.paragraph]
    unnamed: list[str] = []
    headed = False  # by a name with nothing behind it
    for line in lines:
        one = found.choose(line.candidates)
        if one is None and line.paragraph and not headed:
            unnamed.append(line.text.strip())
        headed = (headed and line.is_stamp) or (one is not None and not one.text.strip())
    bold = [text for text in unnamed if _EMPHASISED.fullmatch(text)]
    asking = sum(text.rstrip("*_").endswith(_ASKS) for text in unnamed)
    asking_in_bold = sum(text.rstrip("*_").endswith(_ASKS) for text in bold)
    if asking_in_bold > 1 or (
        asking > 1 and 2 * len(unnamed) >= len(starts) and asking >= _SOME * len(unnamed)
    ):
        yield (
            f"{asking:,} paragraphs that ask have no name, although others are named: they may be "
            "the interviewer's"
        )


def _names_behind_times(lines: Sequence[TextLine]) -> Iterator[str]:
    """A few names with which lines go on behind their times, in a file without labels."""
    timed = [line.text.split() for line in lines if line.original and line.text.strip()]
    names = Counter(words[0] for words in timed if len(words) > 1 and _is_name(words[0]))
    if names.total() >= max(_FEW, _MOST * len(timed)) and 1 < len(names) < names.total():
        yield (
            f"{names.total():,} lines have a name behind their time, such as “{min(names)}”, and "
            "nothing sets it off: it may be who speaks"
        )


def _is_name(word: str) -> bool:
    return word[:1].isupper() and word.isalpha() and classify_label(word) is LabelKind.NAME
