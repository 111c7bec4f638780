"""Whatever arrives is read soundly or refused as a bad message; nothing else is raised."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import BadMessageError
from contracts.transcript import TranscriptFormat
from transcripts import read_transcript, split_into_chunks
from unit.transcripts.reading_support import assert_sound, shared

MUTATIONS_A_FILE = 12
LONGEST = 40_000

formats = st.none() | st.sampled_from(TranscriptFormat)
# Text of the bits that mean something to some format is likelier to reach its dark corners.
fragments = st.lists(
    st.sampled_from(
        [
            "WEBVTT", "\n", "\n\n", "\r\n", "-->", " --> ", "00:01.000", "0:0:1.5", "00:00:02,000",
            "99:99", "<v Ann>", "</v>", "<i>", "<", ">", "&amp;", "&", "Ann: ", "[Ben] ", "- ",
            "Ben  0:03", "(00:01)", "[00:02]", "NOTE", "1", "\ufeff", "\u0301", "\x00", "é", "{",
        ]
    )
    | st.text(max_size=5),
    max_size=40,
).map("".join)  # fmt: skip
scalars = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
keys = st.sampled_from(
    ["speakers", "monologues", "segments", "spans", "elements", "words", "speaker", "id", "spkid",
     "name", "note", "value", "text", "ts", "endTs", "end_ts", "start", "end", "offsetSeconds"]
)  # fmt: skip
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6)
)
items = st.dictionaries(keys, scalars, max_size=6)
turns = st.fixed_dictionaries(
    {}, optional={"speaker": scalars, "spans": st.lists(items), "words": st.lists(items)}
)
vendors = st.fixed_dictionaries(
    {"speakers": st.lists(items)},
    optional={"monologues": st.lists(turns), "segments": st.lists(turns), "offsetSeconds": scalars},
)


def read_or_refuse(content: str, known: TranscriptFormat | None = None) -> None:
    try:
        reading = read_transcript(content, format=known)
    except BadMessageError:
        return
    assert_sound(reading.segments)
    for segment in reading.segments:
        segment.model_dump_json()  # no half surrogates, no infinite times
    split_into_chunks(reading.segments)


@given(content=st.text() | fragments, known=formats)
@settings(max_examples=4 * settings().max_examples)
def test_any_text_is_read_soundly_or_refused(content: str, known: TranscriptFormat | None) -> None:
    read_or_refuse(content, known)


@given(content=fragments)
@settings(max_examples=3 * settings().max_examples)
def test_any_cues_are_read_soundly_or_refused(content: str) -> None:
    read_or_refuse(f"WEBVTT\n\n00:00.500 --> 00:02.000\n{content}")
    read_or_refuse(f"1\n00:00:00,500 --> 00:00:02,000\n{content}")


_VENDOR_KEYS = st.sampled_from(
    ["results", "alternatives", "items", "speaker_labels", "channels", "words", "utterances",
     "text", "speaker", "speakerTag", "start", "end", "start_time", "end_time", "type", "content",
     "from", "to", "timestamps", "recognizedPhrases", "phrases", "combinedPhrases", "channel",
     "nBest",
     "chunks", "timestamp", "transcription", "offsets", "segments", "body", "startTime", "events",
     "segs", "paragraphs", "transcript", "sentences", "speaker_name", "participant", "Transcript",
     "Content", "meeting_transcripts", "channelTag", "id", "name", "punctuated_word", "word"]
)  # fmt: skip
_ANY_VENDOR = st.recursive(
    scalars | st.sampled_from(["word", "punctuation", "1.5", "pronunciation", "0:01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_VENDOR_KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(document=st.dictionaries(_VENDOR_KEYS, _ANY_VENDOR, max_size=5))
@settings(max_examples=5 * settings().max_examples)
def test_any_json_of_services_is_read_soundly_or_refused(document: object) -> None:
    read_or_refuse(json.dumps(document))


@pytest.mark.parametrize(
    "document",
    [
        {"results": [{"alternatives": [{"timestamps": [["How?", 1, 2], ["With", 3, {}]]}]}],
         "speaker_labels": [{"from": [], "to": {}, "speaker": []}]},
        {"results": {
            "items": [{"alternatives": [{"content": "a"}], "start_time": [], "end_time": {}}],
            "speaker_labels": {"segments": [{"items": [{"start_time": {}, "end_time": []}]}]}}},
        {"recognizedPhrases": [{"channel": {}, "nBest": [{"display": "a"}]}, {"channel": []}]},
        {"results": [{"alternatives": [{"transcript": "a"}], "channelTag": {"a": 1}}]},
        {"words": [{"type": [], "text": "a"}]},
        {"results": [{"alternatives": [], "type": {}}]},
    ],
)  # fmt: skip
def test_values_of_any_type_where_services_have_numbers_and_text(document: object) -> None:
    read_or_refuse(json.dumps(document))


def test_a_label_of_many_digits_costs_no_more_than_another() -> None:
    digits = "9" * 60
    assert read_transcript(f"{digits}Ann: Hello.\nBen: Hi.\nBen: Yes.\n").segments


@given(document=documents | vendors, known=formats)
@settings(max_examples=4 * settings().max_examples)
def test_any_json_is_read_soundly_or_refused(
    document: object, known: TranscriptFormat | None
) -> None:
    read_or_refuse(json.dumps(document), known)


def mutated(content: str, dice: random.Random) -> str:
    """Cut out, double, swap or overwrite a stretch of the text."""
    start = dice.randrange(len(content) + 1)
    end = min(len(content), start + dice.choice([1, 1, 3, 20, 500]))
    stretch = content[start:end]
    replacement = dice.choice(
        ["", stretch * 2, stretch[::-1], "\x00", "-", '"', "{", "\n", "9" * 50]
    )
    return content[:start] + replacement + content[end:]


def shortened(content: str) -> str:
    """A whole document of a few turns, so that many mutations take little time."""
    if len(content) <= LONGEST:
        return content
    document = json.loads(content)
    for key in ("monologues", "segments"):
        document[key] = document.get(key, [])[:20]
    return json.dumps(document)


@pytest.mark.parametrize("folder", ["webvtt", "interviews/rev", "interviews/amberscript"])
def test_mutated_real_files_are_read_soundly_or_refused(folder: str) -> None:
    dice = random.Random(2)
    for path in sorted(shared(folder).rglob("*")):
        if path.suffix not in {".vtt", ".json"} or (folder == "webvtt" and path.suffix == ".json"):
            continue
        for content in variants(path, dice):
            read_or_refuse(content)


def variants(path: Path, dice: random.Random) -> list[str]:
    content = shortened(path.read_text(encoding="utf-8", errors="replace"))
    made = [content]
    for _ in range(MUTATIONS_A_FILE):
        made.append(mutated(made[-1], dice))
    return made
