"""Signs in a finished reading, in any format, that a layout was misread: a check of the result.

What a reader did not understand of a file stays behind somewhere: a field's name or a cue stands
where a speaker should, the code of a layout stands in what was said, all turns begin alike, or a
tier of notes repeats another's times. One such place is enough here, where ``doubts`` counts how
many turns have one, so only signs that speech itself does not have are looked for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from contracts.transcript import Segment, TranscriptFormat
from transcripts.speakers.label_kinds import LabelKind, classify_label, is_phone_number
from transcripts.speakers.languages import find_label_with_language
from transcripts.speakers.roles import UNNAMED
from transcripts.time_doubts import CAPTION_FORMATS

_FEWEST_ALIKE: Final = 3
_MOST_WITHOUT_LETTERS: Final = 0.5
_FEWEST_WORDS: Final = 8
_MOST: Final = 0.9
_READ: Final = 100
"""Segments at whose words is looked one by one."""
_LOOKED_AT: Final = 500
"""Segments, and characters of one, at which what all turns have in common is looked for."""

# Sounds, pictures and notes of a script or subtitle, which stand before a colon as a speaker does.
_CUE_WORDS: Final = (
    "fx|sfx|s/?fx|mx|sound|sounds|sound effects?|music|theme|jingle|grams|atmos|ambience|vt|sot"
    "|super|lower third|chyron|gfx|graphics?|b-?roll|camera|cut to|fade|caption|captions|visual"
    "|video|audio|image|slide|tape|clip|insert|ton|geräusch|geräusche|musik|musique|bruitage"
    "|sonido|sonidos|música|efecto|musica|suono|geluid|muziek"
)
# Names of fields and columns, which stand where a speaker does if a layout was misread.
_FIELD_WORDS: Final = (
    "from|to|cc|sent|subject|date|datum|fecha|time|times|timestamp|timecode|time code|start|end"
    "|start time|end time|duration|speaker name|speaker label|text|message|messages|body|content"
    "|type|id|uuid|url|uri|index|language|lang|confidence|score|sentiment|emotion|codes?|tags?"
    "|memo|memos|comment|comments|annotation|annotations|format|encoding|file|filename|file name"
    "|version|created|updated|modified|status|channel|guild|server|channel id|user id|metadata"
    "|labels?|system|tools?|tool call|function"
    "|name|age|city|country|address|phone|e-?mail|gender|sex|occupation|hobbies|nationality|job"
    "|alter|beruf|wohnort|geschlecht|edad|sexo|profesión|âge|sexe|métier"
    "|(?:meeting |episode )?(?:title|topic|agenda|date|id)|(?:hosted|recorded|transcribed|prepared"
    "|written|taken|edited|interviewed|moderated) (?:by|on|at)|location|venue|participants"
    "|attendees|apologies|recording|keywords"
)
# Tiers, lines and columns that stand beside what was said.
_TIER_WORDS: Final = (
    "gloss|glosses|glossing|translation|translations|free translation|literal translation|transl"
    "|übersetzung|traduction|traducción|traduzione|tradução|перевод|ipa|phonetic|phonemes?"
    "|transliteration|romanization|romanisation|pinyin|pos|morphemes?|gestures?|gaze|posture"
    "|prosody|transcriber|transcriber's note"
)
_NO_SPEAKER: Final = re.compile(
    rf"(?:{_CUE_WORDS}|{_FIELD_WORDS}|{_TIER_WORDS})[ _]?\d{{0,2}}", re.IGNORECASE
)
# What a service calls each side of a recording that has one channel for each speaker.
_CHANNEL: Final = re.compile(r"channel[ _]\d{1,2}", re.IGNORECASE)
_CUE_IN_TEXT: Final = re.compile(
    r"(?:^|(?<=\W))(?:FX|SFX|S/FX|GFX|MX|SOT|GRAMS|ATMOS|MUSIC|SOUND): ?\S"
)
_HEADING_IN_TEXT: Final = re.compile(r"(?:^|\s)#{1,6} [^\W_]")
_HEADING_BETWEEN: Final = re.compile(r"\w\S{0,3} #{1,6} [^\W\d_]")
_CODE_IN_LABEL: Final = re.compile(r"^!|[{}<>|\\]|//|https?:|\w=|^[\W\d_]{5,}$")
# `Ann Lee | Acme Ltd.`, as people call themselves in meetings.
_NAME_AND_COMPANY: Final = re.compile(r"[^\W\d_][^|<>{}\\=]{1,60} \| [^\W\d_][^|<>{}\\=]{1,60}")
_STRUCTURE: Final = re.compile(
    r"-->|</?(?:a|b|br|c|div|em|font|i|li|p|s|span|strong|sync|td|tr|u|v)(?:[ .][^<>]{0,80})?/?>"
    r"|\{\\[a-z]|\{[yY]:[bius]|\\N(?![a-z])|\"\s?:\s?[\"\[{]|\",\"|&(?:nbsp|amp|lt|gt|quot|#\d{1,6});"
    r"|\s\|\s|\|\||\[(?:/?[biu]|br)\]|\\(?:par|pard|tab|line)\b"
)
# `[t=0.0]`, whose digits are nulls here.
_FIELD: Final = re.compile(r"[\[(<{][a-z]{1,10}[=:@][0.:,]{1,14}[a-z]{0,2}[\])>}]")
_TURN: Final = re.compile(r"\[SPEAKER[ _](?:TURN|CHANGE)\]")
_CHANGE: Final = re.compile(r"(?:^|\s)>{2,3}\s?(?=[^\W\d_])")
_STRUCTURE_SIGNS: Final = {
    ">": ("-->",),
    "<": ("</", "<a", "<b", "<c", "<d", "<e", "<f", "<i", "<l", "<p", "<s", "<t", "<u", "<v"),
    "{": ("{\\", "{y", "{Y"),
    "\\": ("\\N", "\\p", "\\t", "\\l"),
    '"': ('":', '" :', '","'),
    "&": ("&",),
    "|": (" | ", "||"),
    "[": ("[/", "[b", "[i", "[u"),
}
"""What each match of the structure has one of, by one of its characters, which is found quicker."""
_ID_WORDS: Final = re.compile(
    r"(?:speaker |user |participant )?(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f-]{8,17}"
    r"(?:@[0-9a-f-]{36})?|[0-9a-f]{16,40}|\d{5,20}|(?-i:[UWB](?=[A-Z]*\d)[0-9A-Z]{8,11}))",
    re.IGNORECASE,
)
_LABEL_LEFT: Final = re.compile(
    r"(?P<label>\+?[^\W_a-z](?:[^\W_]|[ .'\u2019()/+-]){0,38}?) ?[:\uff1a] ?(?=\S\D)"
)
_NAME_AND_DIGITS: Final = re.compile(r"[^\W\d_].* [^\W\d_]{2,}\d{1,4}")
_DIGITS_AND_NAME: Final = re.compile(
    r"\W{0,2}[A-Z]?\d[\d:.,;/-]{0,14}(?:ms|[hms])?(?:[\W_]{1,3}|$)(?P<name>[^\W\d_].{0,80})"
)
_DETAIL: Final = re.compile(
    r"(?:^|(?<=\s))(?:Interviewee|Interviewer|Interviewed by|Date|Place|Location|Duration|Recorded"
    r"|Transcribed by|Transcriber|Participants?|Project|Tape|Length|Language|Datum|Ort|Fecha"
    r"|Lugar|Lieu|Durée|Dauer): ?\S"
)
_DIGITS: Final = re.compile(r"\d+")
_ENDS_WITH_YEAR: Final = re.compile(
    r"\b(?:1[5-9]|20)\d{2}[a-z]?\)?(?:,? (?:pp?|S|vol)\. ?[\d\u2013-]{1,12})?\.?$"
)
_LONGEST_END: Final = 40
"""Characters at the end of a turn in which a year is looked for; what may end with one takes 27."""
_IN_BRACKETS: Final = re.compile(r"[\[(/](?P<label>[^\[\]():/]{1,40}): [^\[\]()]{1,300}[\])/]")
_FEWEST_WORKS: Final = 3
_MOST_WORKS: Final = 0.6


def find_structure_doubts(
    segments: Sequence[Segment], format_name: TranscriptFormat
) -> Iterator[str]:
    """Yield warnings where a transcript's layout may have been parsed wrongly.

    Args:
        segments: what was read.
        format_name: the format it was read as.
    """
    turns: dict[str, list[Segment]] = defaultdict(list)
    for one in segments:
        turns[one.speaker].append(one)
    yield from _labels_of_nobody(turns)
    yield from _cues_in_speech(segments)
    yield from _structure_in_speech(segments)
    yield from _marks_of_change(segments)
    yield from _all_begin_alike(segments)
    yield from _codes(segments)
    yield from _labels_left(segments, format_name)
    yield from _digits_at_names(segments)
    yield from _translations(segments)
    yield from _fields_in_speech(segments)
    yield from _works_with_years(segments)
    yield from _speakers_within(segments)


def _labels_of_nobody(turns: Mapping[str, Sequence[Segment]]) -> Iterator[str]:
    """Sounds, fields, tiers and code where a speaker's name should be."""
    for label, said in turns.items():
        if _NO_SPEAKER.fullmatch(label) and not _CHANNEL.fullmatch(label):
            yield f"“{label}” was read as a speaker and is a usual word for a cue, field or tier"
        elif (
            _CODE_IN_LABEL.search(label)
            and not is_phone_number(label)
            and not (len(said) > 1 and _NAME_AND_COMPANY.fullmatch(label))
        ):
            yield f"“{label}” was read as a speaker and looks like part of the layout"
        elif _ID_WORDS.fullmatch(label):
            yield f"“{label}” was read as a speaker and is an id: the name may stand elsewhere"


def _cues_in_speech(segments: Sequence[Segment]) -> Iterator[str]:
    """A sound or picture of a script within what somebody says."""
    for one in segments:
        if ":" in one.text and (cue := _CUE_IN_TEXT.search(one.text)):
            yield (
                f"“{cue.group().split(':')[0]}:” stands in what was said in segment {one.number}: "
                "what follows may be a cue"
            )
            return


def _structure_in_speech(segments: Sequence[Segment]) -> Iterator[str]:
    """Mark-up, borders of columns or pieces of JSON left in what was said."""
    has_head = bool(segments) and segments[0].speaker == UNNAMED and len(segments) > 1
    said = segments[1:] if has_head else segments
    whole = "\n".join([one.text for one in said])
    present = [
        sign
        for character, signs in _STRUCTURE_SIGNS.items()
        if character in whole
        for sign in signs
        if sign in whole
    ]
    if not present:
        return
    for one in said:
        if any(map(one.text.__contains__, present)) and _STRUCTURE.search(one.text):
            yield f"code of a layout stands in what was said, the first in segment {one.number}"
            return


def _marks_of_change(segments: Sequence[Segment]) -> Iterator[str]:
    """`>>` within what a named speaker says, as captions mark that another one begins."""
    nobody = all(one.speaker == UNNAMED for one in segments)
    for one in segments:
        if nobody and "# " in one.text and _HEADING_BETWEEN.search(one.text):
            yield f"a heading stands in what was said in segment {one.number}"
            return
        if "[SPEAKER" in one.text and (mark := _TURN.search(one.text)):
            yield f"“{mark[0]}” marks changes of speaker, and names nobody"
            return
        if one.speaker != UNNAMED and "# " in one.text and _HEADING_IN_TEXT.search(one.text):
            yield f"a heading stands in what {one.speaker} says in segment {one.number}"
            return
        if one.speaker != UNNAMED and ">>" in one.text and _CHANGE.search(one.text):
            yield (
                f"“>>” stands in what {one.speaker} says in segment {one.number}, as where "
                "somebody else begins to speak"
            )
            return


def _all_begin_alike(segments: Sequence[Segment]) -> Iterator[str]:
    """Turns that all begin with a sign, or a number in signs: part of the layout."""
    if segments and segments[0].speaker == UNNAMED and len(segments) > 1:
        segments = segments[1:]  # a title
    if len(segments) < _FEWEST_ALIKE:
        return
    texts = [one.text for one in segments[:_LOOKED_AT] if " " in one.text]
    shapes = Counter(_DIGITS.sub("0", text.partition(" ")[0]) for text in texts)
    shape, count = shapes.most_common(1)[0] if shapes else ("", 0)
    is_mark = not any(map(str.isalpha, shape)) and not shape.isdecimal()
    is_mark = is_mark or _FIELD.fullmatch(shape) is not None
    if is_mark and count >= max(_FEWEST_ALIKE, _MOST * min(len(segments), _LOOKED_AT)):
        yield f"{count:,} segments begin alike, as “{shape}”"


def _codes(segments: Sequence[Segment]) -> Iterator[str]:
    """Turns that consist of numbers and signs rather than of words."""
    words = " ".join([one.text[:_LOOKED_AT] for one in segments[:_READ]]).split()
    if len(words) < _FEWEST_WORDS:
        return
    if sum(map(str.isalpha, words)) > _MOST_WITHOUT_LETTERS * len(words):
        return  # as in speech, without a look at each letter
    without = sum(not any(map(str.isalpha, word)) for word in words)
    if without > _MOST_WITHOUT_LETTERS * len(words):
        yield f"{without:,} of {len(words):,} words have no letters"


def _labels_left(segments: Sequence[Segment], format_name: TranscriptFormat) -> Iterator[str]:
    """Words of nobody that begin as a speaker's do, in a file that names speakers."""
    if all(one.speaker == UNNAMED for one in segments):
        return
    has_head = format_name not in CAPTION_FORMATS  # such as `Project: …` above the first turn
    for one in segments[int(has_head) :]:
        begin = _LABEL_LEFT.match(one.text) if one.speaker == UNNAMED else None
        if begin and classify_label(begin["label"]) is not LabelKind.HEADING:
            yield (
                f"“{begin['label']}” stands before a colon in segment {one.number}, which names "
                "no speaker: it may be who speaks"
            )
            return


def _digits_at_names(segments: Sequence[Segment]) -> Iterator[str]:
    """Numbers that are no part of names: `Ana Ruiz10`, or `2s Ana Ruiz` and `12s Ana Ruiz`."""
    labels = {one.speaker for one in segments} - {UNNAMED}
    if len(labels) > 1 and all(map(_NAME_AND_DIGITS.fullmatch, labels)):
        yield f"numbers stand behind all names, such as “{min(labels)}”: the layout may be misread"
    names = [match["name"] for label in labels if (match := _DIGITS_AND_NAME.fullmatch(label))]
    if len(set(names)) < len(names):
        yield (
            f"different numbers stand before “{min(names)}” and other names: the layout may be "
            "misread"
        )


def _translations(segments: Sequence[Segment]) -> Iterator[str]:
    """Speakers who say all once more in another language, as `Ada` and `Ada (EN)` do."""
    label = find_label_with_language({one.speaker for one in segments})
    if label:
        yield f"“{label}” may be the same speaker in another language: a translation of the turns"


def _fields_in_speech(segments: Sequence[Segment]) -> Iterator[str]:
    """A list of details that was read as somebody's first words."""
    for one in segments[:2]:
        if one.speaker != UNNAMED and len(_DETAIL.findall(one.text[:_LOOKED_AT])) > 1:
            yield f"segment {one.number} reads like a list of details above the talk, not speech"
            return


def _works_with_years(segments: Sequence[Segment]) -> Iterator[str]:
    """Turns that nearly all end with a year, as entries of a bibliography do."""
    named = [one.text for one in segments if one.speaker != UNNAMED]
    ends = [text[-_LONGEST_END:] for text in named]  # long turns are not looked through
    with_year = sum(_ENDS_WITH_YEAR.search(end) is not None for end in ends)
    if with_year >= max(_FEWEST_WORKS, _MOST_WORKS * len(named)):
        yield (
            f"{with_year:,} of {len(named):,} segments end with a year: they may be titles of works"
        )


def _speakers_within(segments: Sequence[Segment]) -> Iterator[str]:
    """Words of a speaker that stand in brackets within another's: `[Jonas: At five.]`."""
    labels = {one.speaker.casefold() for one in segments} - {UNNAMED.casefold()}
    for one in segments:
        for match in _IN_BRACKETS.finditer(one.text) if ":" in one.text else ():
            if match["label"].casefold() in labels - {one.speaker.casefold()}:
                yield (
                    f"what “{match['label']}” says stands in brackets within {one.speaker}'s words "
                    f"in segment {one.number}"
                )
                return
