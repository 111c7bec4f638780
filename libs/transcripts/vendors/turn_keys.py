"""Keys under which tools write turns in JSON, and which of them the turns of one file have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from transcripts.speakers.label_kinds import LabelKind, classify_label

TEXT_KEYS: Final = (
    "punct", "text", "transcript", "content", "body", "sentence", "utterance", "words", "speech",
    "line",
    "value", "message", "caption", "phrase", "display", "said", "dialog", "dialogue",
    "transcription", "txt", "utterance_text", "statement", "plain_body", "reply", "msg",
    "spoken_text", "spokenText", "says", "final_sentence", "sentence_text", "punctuated_word",
    "word", "token", "snippet", "display_text", "words_str",
)  # fmt: skip
TEXT_KEY_SET: Final = frozenset(TEXT_KEYS)
SPEAKER_KEYS: Final = (
    "speaker", "speaker_name", "speakerName", "speakerDisplayName", "speakerFullName",
    "speaker_label", "speakerLabel", "speaker_id",
    "speakerId", "speakerTag", "participant", "participant_name", "participantName", "name", "who",
    "from", "author", "role", "user_profile", "user", "user_name", "userName", "username",
    "identity", "channel", "display_name", "displayName", "voice", "spk", "spkid", "person",
    "sender_name", "sender", "senderName", "from_name", "author_name", "label", "users", "speakers",
    "speaker_designation", "speakerTitle", "actor", "character", "person_name", "talker",
    "participant_details", "participant_role", "participant_purpose", "party", "participantId",
    "user_data", "author_id", "authorId", "sender_id", "senderId", "user_id",
    "personId", "person_id", "userId", "attendeeId", "attendee", "memberId", "contactId",
    "media_channel", "mediaChannel", "channel_id", "channelId", "channel_index", "channelTag",
)  # fmt: skip
PART_KEYS: Final = (
    "sentences", "segments", "parts", "lines", "tokens", "words", "content", "children",
    "utterances", "phrases", "chunks", "turns", "text_blocks", "blocks", "paragraphs", "paragraph",
    "line",
)  # fmt: skip
START_KEYS: Final = (
    "secondsFromStart", "start", "start_time", "startTime", "start_ms", "startMs", "begin", "from",
    "offset", "ts",
    "timestamp", "time", "start_timestamp", "startTimestamp", "startTimeMs", "start_sec",
    "tStartMs", "startOffset", "begin_time", "relative_start", "in", "startDateTime",
    "begin_audio_time", "begin_offset_millis", "offset_millisecond", "offset_milliseconds",
    "offset_ms", "offset_seconds", "position", "start_time_seconds", "start_seconds",
    "start_time_ms", "start_millis", "start_offset_ms", "start_offset_seconds", "at",
    "startTimeMillis", "startMillis", "startTimeInMs", "start_timestamp_ms", "startSeconds",
    "startTimeSeconds", "timeOffset", "relativeStart", "startRelative", "t0", "snippet_time",
    "timeStart",
)  # fmt: skip
END_KEYS: Final = (
    "end", "end_time", "endTime", "end_ms", "endMs", "to", "end_ts", "endTs", "end_timestamp",
    "end_audio_time", "end_offset_millis", "endTimestamp", "endTimeMs", "end_sec", "endOffset",
    "until", "out", "endDateTime", "end_time_seconds", "end_seconds", "end_time_ms", "end_millis",
    "end_offset_ms", "end_offset_seconds", "endTimeMillis", "endMillis", "endTimeInMs",
    "stop", "end_timestamp_ms", "endSeconds", "endTimeSeconds", "t1", "timeEnd",
)  # fmt: skip
DURATION_KEYS: Final = ("duration", "dur")
"""Keys of how long a turn takes, in the unit of its start."""
_SPELLINGS: Final = {
    re.sub(r"[ _-]", "", key).lower(): key
    for key in (*DURATION_KEYS, *END_KEYS, *START_KEYS, *SPEAKER_KEYS, *TEXT_KEYS, *PART_KEYS)
}
_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]")
LOOKED_AT: Final = 200
"""Turns of a list, or values of an object, at which keys are looked for."""

_MOST: Final = 0.8
_FEW: Final = 20


def find_common_key(
    turns: list[dict[str, Any]],
    keys: tuple[str, ...],
    types: type | tuple[type, ...],
    most: float = _MOST,
) -> str:
    """Return the first candidate key that nearly all turns (JSON objects) have; "" if none is.

    Args:
        turns: the turns.
        keys: the keys to look for, the likeliest first.
        types: what the values have to be.
        most: share of the turns whose value may not be an empty string.
    """
    looked_at = turns[:LOOKED_AT]
    for key in keys:
        found = [one[key] for one in looked_at if isinstance(one.get(key), types)]
        filled = sum(value != "" for value in found)
        if found and len(found) >= _MOST * len(looked_at) and filled >= most * len(looked_at):
            return key
    return ""


def find_start_time_key(turns: list[dict[str, Any]], speaker: str) -> str:
    """Find the key of the start times in a list of turns (JSON objects)."""
    keys = [one for one in START_KEYS if one != speaker]
    found = find_common_key(turns, tuple(keys), (str, int, float))
    dated = [one for one in keys if any(_DATED.match(str(turn.get(one))) for turn in turns[:_FEW])]
    if found in dated:
        others = tuple(one for one in keys if one not in dated)
        return find_common_key(turns, others, (str, int, float)) or found
    return found


def find_speaker_name_key(turns: Sequence[dict[str, Any]], text: str) -> str:
    """Find the key of the speakers' names in a list of turns (JSON objects), or ""."""
    looked_at = turns[:LOOKED_AT]
    for key in dict.fromkeys(key for turn in looked_at for key in turn):
        values = [turn[key] for turn in looked_at if has_string(turn, key) and turn[key].strip()]
        names = set(values)
        if (
            key != text
            and len(values) >= _MOST * len(looked_at)
            and 1 < len(names) < len(values)
            and all(classify_label(name) in {LabelKind.NAME, LabelKind.ROLE} for name in names)
        ):
            return key
    return ""


def has_string(turn: dict[str, Any], key: str) -> bool:
    """Return whether a turn (JSON object) has a string under a key."""
    return isinstance(turn.get(key), str)


def normalize_key_spelling(turn: dict[str, Any]) -> dict[str, Any]:
    """Rename a turn's JSON keys to one spelling, without capitals and underscores."""
    known = _renamed_keys(tuple(turn))
    return {known.get(key, key): value for key, value in turn.items()} if known else turn


@lru_cache(maxsize=1_024)
def _renamed_keys(keys: tuple[str, ...]) -> dict[str, str]:
    return {key: known for key in keys if (known := _known_key(key)) not in keys}


@lru_cache(maxsize=4_096)
def _known_key(key: str) -> str:
    """A key as it is spelled here, if it differs from that in capitals and underscores alone."""
    return key if key in _SPELLINGS.values() else _SPELLINGS.get(_fold_key(key), key)


def _fold_key(key: str) -> str:
    return re.sub(r"[ _-]", "", key).lower()
