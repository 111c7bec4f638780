"""Signs in subtitle cues that speakers were not noticed, or that what names them does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from transcripts.captions.cue_lines import SpokenCue
from transcripts.captions.cue_order import Cue
from transcripts.speakers.candidates import LabelCandidate
from transcripts.speakers.decision import find_speaker_labels
from transcripts.speakers.label_kinds import LabelKind, classify_label
from transcripts.speakers.labels import LineLabels, SpeakerLabels
from transcripts.speakers.plain_labels import find_all_labels

SOUND: Final = re.compile(r"\s*(?:\[[^\[\]]{1,60}\]|\([^()]{1,60}\)|[♪♫][^♪♫]*[♪♫]?)\s*")
"""A line that is nothing but a sound or music."""
_HALF: Final = 0.5
_WRAPPED: Final = re.compile(r"<font\s[^<>]*>|<c\.[^<>]*>", re.IGNORECASE)
_FEWEST_CHANGES: Final = 3
_OFTEN_CHANGED: Final = 0.2
_MOSTLY: Final = 0.8
_FEWEST_MARKED: Final = 4
_FEWEST_BEGINNINGS: Final = 12


def find_unnamed_changes(spoken: Sequence[SpokenCue]) -> Iterator[str]:
    """Signs that speakers change in a file that names none."""
    changes = sum(line.changes for one in spoken for line in one.lines)
    if changes >= max(_FEWEST_CHANGES, _OFTEN_CHANGED * len(spoken)):
        yield f"speakers change at {changes:,} marks, and nobody is named"
    yield from _alike_beginnings([one.lines[0].shown for one in spoken if one.lines])
    wraps = Counter(
        match[0] for one in spoken if (match := _WRAPPED.match(one.cue.payload.lstrip()))
    )
    if len(wraps) > 1 and wraps.total() >= _MOSTLY * len(spoken) and len(wraps) < len(spoken):
        yield (
            f"{len(wraps):,} colours or classes alternate, which may tell speakers; nobody is named"
        )


def find_names_within_one_voice(spoken: Sequence[SpokenCue]) -> Iterator[str]:
    """Names within what one voice says, as where several people share a room's microphone."""
    lines = [line for one in spoken for line in one.lines]
    voices = {line.voice for line in lines}
    if len(voices) != 1 or not any(":" in line.text for line in lines):
        return
    labels = [LineLabels(find_all_labels(line.text)) for line in lines]
    found = find_speaker_labels(labels)
    voice = next(iter(voices))
    chosen = [one.label for line in labels if (one := found.choose(line.candidates)) is not None]
    if len({*chosen} - {voice}) > 1 and len(chosen) >= _HALF * len(lines):
        yield (
            f"“{min(chosen)}” and others stand before colons in what “{voice}” says throughout: "
            "several people may speak"
        )


def find_things_named_once(
    found: SpeakerLabels, starts: Sequence[Sequence[LabelCandidate]]
) -> Iterator[str]:
    """Labels that all stand once and begin with an article, as things do: `The price: ninety`."""
    chosen = [one for candidates in starts if (one := found.choose(candidates)) is not None]
    counts = Counter(one.key for one in chosen)
    if len(counts) == len(chosen) > 1 and all(one.key.startswith("the ") for one in chosen):
        yield f"“{chosen[0].label}” and others stand once each: they may be words, and no speakers"


def find_names_said_twice(spoken: Sequence[SpokenCue], found: SpeakerLabels) -> Iterator[str]:
    """Cues whose two lines both begin with one and the same name, as where one is translated."""
    pairs = [one.lines for one in spoken if len(one.lines) == 2]  # noqa: PLR2004 - a pair
    twice = 0
    for first, second in pairs:
        one, other = found.choose(first.candidates), found.choose(second.candidates)
        twice += one is not None and other is not None and one.key == other.key
    if twice >= max(_FEWEST_CHANGES, _HALF * len(spoken)):
        yield (
            f"both lines of {twice:,} cues begin with one and the same name: one may be a "
            "translation of the other"
        )


def find_unnamed_speech(
    spoken: Sequence[SpokenCue], said: Sequence[tuple[Cue, str | None, str]]
) -> Iterator[str]:
    """Marks of a change to a speaker whom nobody names, in a file that names others."""
    changes = sum(line.changes for one in spoken for line in one.lines)
    others = [text for _, who, text in said if who is None and not SOUND.fullmatch(text.strip())]
    if changes > 1 and sum(len(text.split()) for text in others) >= _FEWEST_CHANGES:
        yield f"speakers change at marks without a name {len(others):,} times"


def _alike_beginnings(texts: Sequence[str]) -> Iterator[str]:
    """A few words that begin nearly all cues, as names do whose mark is not known."""
    firsts = Counter(text.split(maxsplit=1)[0] for text in texts if " " in text)
    again = {word: count for word, count in firsts.items() if count > 1}
    marked = [word for word in again if not word[-1].isalnum() and word[:1].isalpha()]
    fewest = _FEWEST_MARKED if len(marked) == len(again) else _FEWEST_BEGINNINGS
    if len(marked) < len(again):  # `And` and `I` begin most cues of long captions
        again = {word: count for word, count in again.items() if _may_name(word)}
    if len(again) > 1 and len(texts) >= fewest and sum(again.values()) >= _MOSTLY * len(texts):
        yield (
            f"{len(again):,} words begin nearly all cues, such as “{min(again)}”, and nobody is "
            "named: they may be who speaks"
        )


def _may_name(word: str) -> bool:
    """Whether a word may be somebody's name, and is none with which sentences begin."""
    return word[:1].isupper() and classify_label(word) in {LabelKind.NAME, LabelKind.ROLE}
