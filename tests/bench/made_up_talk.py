"""A talk of two people, made up with a seed, in the shapes that tools export."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

SPEAKERS: Final = ("Ann Lee", "Tom Okafor")
_VOCABULARY: Final = (
    "the of and a to in is you that it he was for on are as with his they I at be this have from "
    "or one had by but not what all were we when your can said there use an each which she do how "
    "their if will up other about out many then them these so some her would make like him into "
    "time has look two more write go see number no way could people my than first water been call "
    "who oil its now find long down day did get come made may part meeting question interview"
)
_WORDS: Final = tuple(_VOCABULARY.split())
_MAX_WORDS_PER_TURN: Final = 60


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its punctuation; times in seconds; ``speaker`` is 0 or 1."""

    text: str
    start: float
    end: float
    speaker: int


def talk(words: int, seed: int = 7) -> list[Word]:
    """About that many words, at the pace of talk."""
    chance = random.Random(seed)
    made: list[Word] = []
    now, speaker = 0.0, 0
    while len(made) < words:
        for position in range(length := chance.randint(3, _MAX_WORDS_PER_TURN)):
            text = chance.choice(_WORDS)
            text = text.capitalize() if position == 0 else text
            text += "." if position == length - 1 else ""
            took = round(0.12 + 0.3 * chance.random(), 3)
            made.append(Word(text, round(now, 3), round(now + took, 3), speaker))
            now += took + 0.05
        speaker = 1 - speaker
    return made


def _turns(words: Sequence[Word]) -> list[list[Word]]:
    return [list(group) for _, group in groupby(words, key=lambda one: one.speaker)]


def _text(words: Sequence[Word]) -> str:
    return " ".join(one.text for one in words)


def deepgram(words: Sequence[Word]) -> str:
    """Deepgram's utterances."""
    return _json({"results": {"utterances": [
        {"start": turn[0].start, "end": turn[-1].end, "confidence": 0.98, "channel": 0,
         "speaker": turn[0].speaker, "transcript": _text(turn), "words": [
             {"word": one.text.lower().strip("."), "start": one.start, "end": one.end,
              "confidence": 0.9876, "speaker": one.speaker, "speaker_confidence": 0.77,
              "punctuated_word": one.text} for one in turn]}
        for turn in _turns(words)]}})  # fmt: skip


def assemblyai(words: Sequence[Word]) -> str:
    """AssemblyAI's utterances."""
    return _json({"id": "x", "status": "completed", "text": _text(words), "utterances": [
        {"speaker": "AB"[turn[0].speaker], "start": _ms(turn[0].start), "end": _ms(turn[-1].end),
         "confidence": 0.97, "text": _text(turn), "words": [
             {"text": one.text, "start": _ms(one.start), "end": _ms(one.end), "confidence": 0.97,
              "speaker": "AB"[one.speaker]} for one in turn]}
        for turn in _turns(words)]})  # fmt: skip


def aws(words: Sequence[Word]) -> str:
    """Amazon Transcribe's items."""
    whole = [{"transcript": _text(words)}]
    return _json({"jobName": "x", "results": {"transcripts": whole, "items": [
        {"type": "pronunciation", "start_time": str(one.start), "end_time": str(one.end),
         "speaker_label": f"spk_{one.speaker}",
         "alternatives": [{"confidence": "0.998", "content": one.text}]}
        for one in words]}})  # fmt: skip


def whisperx(words: Sequence[Word]) -> str:
    """WhisperX' segments, with words."""
    return _json({"segments": [
        {"start": turn[0].start, "end": turn[-1].end, "text": f" {_text(turn)}",
         "speaker": f"SPEAKER_0{turn[0].speaker}", "words": [
             {"word": one.text, "start": one.start, "end": one.end, "score": 0.87,
              "speaker": f"SPEAKER_0{one.speaker}"} for one in turn]}
        for turn in _turns(words)], "language": "en"})  # fmt: skip


def rev(words: Sequence[Word]) -> str:
    """Rev's elements."""

    def elements(turn: Sequence[Word]) -> Iterator[dict[str, Any]]:
        for one in turn:
            yield {"type": "text", "value": one.text, "ts": one.start, "end_ts": one.end,
                   "confidence": 0.94}  # fmt: skip
            yield {"type": "punct", "value": " "}

    return _json({"monologues": [
        {"speaker": turn[0].speaker, "elements": list(elements(turn))} for turn in _turns(words)
    ]})  # fmt: skip


def zoom(words: Sequence[Word]) -> str:
    """WebVTT with a number and a name a cue, as Zoom writes it."""
    cues = (
        f"{number}\n{_clock(cue[0].start)} --> {_clock(cue[-1].end)}\n"
        f"{SPEAKERS[cue[0].speaker]}: {_text(cue)}\n"
        for number, cue in enumerate(_cues(words), start=1)
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def teams(words: Sequence[Word]) -> str:
    """WebVTT with an id and a voice a cue, as Teams writes it."""
    cues = (
        f"8f0a1b2c-3d4e-5f60-7182-93a4b5c6d7e8/{number}-0\n"
        f"{_clock(cue[0].start)} --> {_clock(cue[-1].end)}\n"
        f"<v {SPEAKERS[cue[0].speaker]}>{_text(cue)}</v>\n"
        for number, cue in enumerate(_cues(words), start=1)
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def podcast(words: Sequence[Word]) -> str:
    """SRT that names speakers where they change, in lines of 32 characters, as podcasts have it."""
    made: list[str] = []
    last = -1
    for number, cue in enumerate(_cues(words), start=1):
        name = f"{SPEAKERS[cue[0].speaker]}: " if cue[0].speaker != last else ""
        last = cue[0].speaker
        half = len(cue) // 2 or 1
        lines = [f"{name}{_text(cue[:half])}", _text(cue[half:])]
        times = f"{_clock(cue[0].start)} --> {_clock(cue[-1].end)}".replace(".", ",")
        made.append("\n".join([str(number), times, *filter(None, lines), ""]))
    return "\n".join(made)


def youtube(words: Sequence[Word]) -> str:
    """SRT without names."""
    cues = (
        f"{number}\n{_clock(cue[0].start)} --> {_clock(cue[-1].end)}\n{_text(cue)}\n".replace(
            ".", ","
        )
        for number, cue in enumerate(_cues(words), start=1)
    )
    return "\n".join(cues)


def _cues(words: Sequence[Word], most: int = 12) -> Iterator[list[Word]]:
    for turn in _turns(words):
        for begin in range(0, len(turn), most):
            yield turn[begin : begin + most]


def _clock(seconds: float) -> str:
    whole, ms = divmod(_ms(seconds), 1_000)
    return f"{whole // 3_600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{ms:03}"


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _json(document: Any) -> str:
    return json.dumps(document)
