"""Parse turns of real files in the plainest way, to compare the readers with.

No code of the readers is used here: a field is what its vendor documents it to be.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, Final

from evaluation.transcripts.scoring import KnownTurn

_HTML_TURN: Final = re.compile(
    r"<cite>(.*?):?</cite>\s*<time>([\d:]+)</time>\s*<p>(.*?)</p>", re.DOTALL
)
_CUE: Final = re.compile(
    r"^(?:(?:(\d+):)?(\d+):)?(\d+)\.(\d{3}) --> .*\n((?:.+\n?)*)", re.MULTILINE
)
_VOICE: Final = re.compile(r"<v ([^>]*)>")
_PAUSE: Final = re.compile(r"\(pause [\d.]+\)")


def parse_known_turns(text: str) -> list[KnownTurn]:
    """Parse the turns of a file of one of the vendors that are known here.

    Raises:
        ValueError: it is of none of them, or not as its vendor documents it.
    """
    if text.startswith("WEBVTT"):
        return list(_parse_webvtt(text))
    if text.startswith("Line\tSpkr\t"):
        return list(_parse_coraal(text))
    if "<cite>" in text:
        return list(_parse_podcast_html(text))
    try:
        document = json.loads(text)
        for belongs, turns in _DOCUMENTS:
            if belongs(document):
                return list(turns(document))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("not as its vendor documents it") from error
    raise ValueError("no file of a vendor that is known here")


def _ms(seconds: Any) -> int | None:
    return None if seconds is None else round(float(seconds) * 1_000)


def _parse_webvtt(text: str) -> Iterator[KnownTurn]:
    for hours, minutes, seconds, fraction, said in _CUE.findall(text):
        voice = _VOICE.search(said)
        whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
        yield KnownTurn(
            voice[1] if voice else "", _VOICE.sub("", said), whole * 1_000 + int(fraction)
        )


def _parse_coraal(text: str) -> Iterator[KnownTurn]:
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in rows:
        if not _PAUSE.fullmatch(row["Content"]):
            yield KnownTurn(row["Spkr"], row["Content"], _ms(row["StTime"]))


def _parse_podcast_html(text: str) -> Iterator[KnownTurn]:
    for name, clock, said in _HTML_TURN.findall(text):
        seconds = sum(
            int(part) * 60**place for place, part in enumerate(reversed(clock.split(":")))
        )
        yield KnownTurn(name, unescape(said), seconds * 1_000)


def _parse_rev(document: Any) -> Iterator[KnownTurn]:
    names = {one["id"]: one["name"] for one in document["speakers"]}
    for one in document["monologues"]:
        starts = [span["ts"] for span in one["spans"] if span.get("ts") is not None]
        said = "".join(span["value"] for span in one["spans"])
        yield KnownTurn(names[one["speaker"]], said, _ms(starts[0]) if starts else None)


def _parse_amberscript(document: Any) -> Iterator[KnownTurn]:
    names = {one["spkid"]: one["name"] for one in document["speakers"]}
    for one in document["segments"]:
        said = " ".join(word["text"] for word in one["words"])
        yield KnownTurn(
            names.get(one["speaker"], one["speaker"]), said, _ms(one["words"][0]["start"])
        )


def _parse_qmsum(document: Any) -> Iterator[KnownTurn]:
    for one in document["meeting_transcripts"]:
        yield KnownTurn(one["speaker"], one["content"])


def _parse_podcast(document: Any) -> Iterator[KnownTurn]:
    for one in document["segments"]:
        yield KnownTurn(one["speaker"], one["body"], _ms(one["startTime"]))


def _parse_deepgram(document: Any) -> Iterator[KnownTurn]:
    results = document["results"]
    if "utterances" in results:
        for one in results["utterances"]:
            label = f"Speaker {one['speaker']}" if "speaker" in one else ""
            yield KnownTurn(label, one["transcript"], _ms(one["start"]))
        return
    best = results["channels"][0]["alternatives"][0]
    yield KnownTurn("", best["transcript"], _ms(best["words"][0]["start"]))


def _parse_assemblyai(document: Any) -> Iterator[KnownTurn]:
    for one in document["utterances"] or document["words"]:
        speaker = one.get("speaker")
        yield KnownTurn(f"Speaker {speaker}" if speaker else "", one["text"], one["start"])


def _parse_whisper(document: Any) -> Iterator[KnownTurn]:
    for one in document["segments"]:
        yield KnownTurn("", one["text"], _ms(one["start"]))


def _parse_google(document: Any) -> Iterator[KnownTurn]:
    for one in document["results"]:
        best = one["alternatives"][0]
        start = best["words"][0]["startTime"]
        seconds = int(start.get("seconds", 0)) + start.get("nanos", 0) / 10**9
        yield KnownTurn("", best["transcript"], _ms(seconds))


def _parse_aws(document: Any) -> Iterator[KnownTurn]:
    results = document["results"]
    segments = results["speaker_labels"]["segments"]
    labels = {item["start_time"]: one["speaker_label"] for one in segments for item in one["items"]}
    label = ""
    for one in results["items"]:
        label = labels.get(one.get("start_time"), label)
        yield KnownTurn(label, one["alternatives"][0]["content"], _ms(one.get("start_time")))


def _parse_speechmatics_v1(document: Any) -> Iterator[KnownTurn]:
    starts = sorted((float(one["time"]), one["name"]) for one in document["speakers"])
    for one in document["words"]:
        before = [name for time, name in starts if time <= float(one["time"])]
        yield KnownTurn(before[-1] if before else "", one["name"], _ms(one["time"]))


_DOCUMENTS: Final[
    tuple[tuple[Callable[[Any], bool], Callable[[Any], Iterator[KnownTurn]]], ...]
] = (
    (lambda one: "monologues" in one, _parse_rev),
    (lambda one: "meeting_transcripts" in one, _parse_qmsum),
    (lambda one: "acoustic_model" in one, _parse_assemblyai),
    (lambda one: "channels" in one.get("results", ()), _parse_deepgram),
    (lambda one: "items" in one.get("results", ()), _parse_aws),
    (lambda one: "results" in one, _parse_google),
    (lambda one: "body" in one["segments"][0] if one.get("segments") else False, _parse_podcast),
    (lambda one: "words" in one and "job" in one, _parse_speechmatics_v1),
    (lambda one: "speakers" in one and "segments" in one, _parse_amberscript),
    (lambda one: "segments" in one, _parse_whisper),
)
