"""Measure how right the transcript readers are about files whose turns are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from evaluation.errors import InputError
from evaluation.inputs import read_text
from evaluation.measures import Measure
from evaluation.transcripts.cue_comparison import INTENDED_DEVIATIONS, has_same_cues
from evaluation.transcripts.references import parse_known_turns
from evaluation.transcripts.scoring import (
    KnownTurn,
    ReaderScore,
    TranscriptAgreement,
    compare_transcripts,
    list_turns,
    matches_known_turns,
    score_turns,
    sum_scores,
)
from transcripts import TranscriptError, TranscriptReading, read_transcript
from transcripts.registry import get_format

SPEAKER_GOAL: Final = 0.995
WORDS_GOAL: Final = 1.0
START_GOAL: Final = 0.99
AGREEMENT_GOAL: Final = 0.9
_KNOWN: Final = ("interviews", "vendors", "qmsum")
_PAIRS: Final = (("rev", "amberscript"), ("rev", "coraal"), ("amberscript", "coraal"))
_SUFFIX: Final = ".expected.json"


@dataclass(frozen=True, slots=True)
class _ComparedFile:
    """A file that was read, compared with what is known of it.

    Attributes:
        file: its path.
        family: the kind of source, as ``docs/formats.md`` has it.
        score: what is right in it; None where it is to be refused.
        is_right: whether all of it is as known.
        is_silent: words are missing, and the report does not say so.
    """

    file: Path
    family: str
    score: ReaderScore | None
    is_right: bool
    is_silent: bool = False


def measure_formats(folder: Path, on_skipped: Callable[[Path], None]) -> list[Measure]:
    """Read files whose turns are known, and count what is right, by kind of source.

    Args:
        folder: has found/formats, interviews, vendors, qmsum and webvtt, or some of them.
        on_skipped: called with each file whose turns are not known.

    Raises:
        InputError: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    cases = [
        _compare_case(file) for file in sorted((folder / "found" / "formats").glob(f"*{_SUFFIX}"))
    ]
    known_files = list(
        _compare_known_files(
            (file for name in _KNOWN for file in _list_files(folder / name)), on_skipped
        )
    )
    measures = [
        *_measure_cases(cases),
        *_measure_shares([one for one in [*cases, *known_files] if one.score is not None]),
        *_measure_agreement(folder / "interviews"),
        *_measure_webvtt(folder / "webvtt"),
    ]
    if not measures:
        raise InputError(f"{folder} holds no files whose turns are known")
    return measures


def _list_files(folder: Path) -> Iterator[Path]:
    yield from (one for one in sorted(folder.rglob("*")) if one.is_file())


# Files with expectations


def _compare_case(expected: Path) -> _ComparedFile:
    name = expected.name.removesuffix(_SUFFIX)
    others = sorted(expected.parent.glob(f"{name}.*"))
    file = next(one for one in others if not one.name.endswith(_SUFFIX))
    described: dict[str, Any] = json.loads(expected.read_text(encoding="utf-8"))
    wanted = described.get("expected") or described.get("expected_if_supported") or {}
    reading = _try_read(file)
    if wanted.get("refused"):
        right = reading is None or bool(reading.report.doubts) or bool(wanted.get("or_read"))
        return _ComparedFile(file, "To be refused", None, right)
    known = [
        KnownTurn(one["speaker"] or "Speaker", one["text"], one.get("start_ms"))
        for one in wanted["turns"]
    ]
    return _compare(file, known, reading)


def _compare_known_files(
    files: Iterable[Path], on_skipped: Callable[[Path], None]
) -> Iterator[_ComparedFile]:
    for file in files:
        # The publisher's own JSON stands beside its captions.
        source = file.with_suffix(".json") if file.suffix == ".srt" else file
        try:
            known = parse_known_turns(source.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            on_skipped(file)
            continue
        yield _compare(file, known, _try_read(file))


def _try_read(file: Path) -> TranscriptReading | None:
    try:
        return read_transcript(read_text(file))
    except (InputError, TranscriptError):
        return None


def _compare(
    file: Path, known: Sequence[KnownTurn], reading: TranscriptReading | None
) -> _ComparedFile:
    if reading is None:
        return _ComparedFile(file, "Refused", score_turns(known, ()), is_right=False)
    read = list_turns(reading.segments)
    found = score_turns(known, read)
    silent = found.kept < found.words and not reading.notices and not reading.report.doubts
    return _ComparedFile(
        file, _name_family(reading.format), found, matches_known_turns(known, read), silent
    )


def _name_family(name: TranscriptFormat) -> str:
    return get_format(name).family.value


# Measures


def _measure_cases(cases: Sequence[_ComparedFile]) -> Iterator[Measure]:
    if not cases:
        return
    by_family = _group_by_family(cases)
    yield Measure(
        name="formats-cases",
        figure=sum(one.is_right for one in cases) / len(cases),
        goal=1.0,
        better="higher",
        unit="share of small files of reported shapes that are read exactly, or refused where due",
        sides={
            family: {"right": sum(one.is_right for one in ones), "files": len(ones)}
            for family, ones in by_family.items()
        },
        notes=[f"wrong: {one.file.name}" for one in cases if not one.is_right],
    )


def _measure_shares(files: Sequence[_ComparedFile]) -> Iterator[Measure]:
    if not files:
        return
    scores = {
        family: sum_scores(one.score for one in ones if one.score is not None)
        for family, ones in _group_by_family(files).items()
    }
    whole = sum_scores(scores.values())
    for name, key, goal, unit, of in (
        (
            "formats-speakers",
            "right speaker",
            SPEAKER_GOAL,
            "share of words of named speakers",
            "named",
        ),
        (
            "formats-starts",
            "right start",
            START_GOAL,
            "share of timed turns, within 20 ms",
            "timed",
        ),
        ("formats-words", "words kept", WORDS_GOAL, "share of words", "words"),
    ):
        yield Measure(
            name=name,
            figure=whole.compute_shares().get(key, 0.0),
            goal=goal,
            better="higher",
            unit=unit,
            sides={
                family: {key: shares[key], of: getattr(one, of)}
                for family, one in scores.items()
                if key in (shares := one.compute_shares())
            },
            notes=[
                f"{one.file.name}: {share:.2%}"
                for one in files
                if one.score is not None
                and (share := one.score.compute_shares().get(key, 1)) < goal
            ],
        )
    silent = [one for one in files if one.is_silent]
    yield Measure(
        name="formats-silent-losses",
        figure=len(silent),
        goal=0,
        better="lower",
        unit="files in which words are missing and the report says nothing",
        sides={"all": {"files": len(files)}},
        notes=[one.file.name for one in silent],
    )


def _group_by_family(files: Sequence[_ComparedFile]) -> Mapping[str, list[_ComparedFile]]:
    made: dict[str, list[_ComparedFile]] = defaultdict(list)
    for one in files:
        made[one.family].append(one)
    return dict(sorted(made.items()))


def _measure_agreement(folder: Path) -> Iterator[Measure]:
    names = {
        vendor: {one.stem: one for one in _list_files(folder / vendor)}
        for pair in _PAIRS
        for vendor in pair
    }
    found: dict[str, list[TranscriptAgreement]] = {}
    for one, other in _PAIRS:
        both = sorted(names[one].keys() & names[other].keys())
        readings = [(_try_read(names[one][name]), _try_read(names[other][name])) for name in both]
        found[f"{one} and {other}"] = [
            compare_transcripts(left.segments, right.segments)
            for left, right in readings
            if left and right
        ]
    if not all(found.values()):
        return
    yield Measure(
        name="formats-agreement",
        figure=fmean(one.speakers for ones in found.values() for one in ones),
        goal=AGREEMENT_GOAL,
        better="higher",
        unit="share of words in common that two transcripts of a talk give the same speaker",
        sides={
            pair: {
                "words in common": fmean(one.words for one in ones),
                "same speaker": fmean(one.speakers for one in ones),
                "within 1 s": fmean(one.starts for one in ones),
                "talks": len(ones),
            }
            for pair, ones in found.items()
        },
    )


def _measure_webvtt(folder: Path) -> Iterator[Measure]:
    compared = {
        file.relative_to(folder).with_suffix("").as_posix(): has_same_cues(
            file.with_suffix(".vtt").read_text(encoding="utf-8", errors="replace"),
            file.read_text(encoding="utf-8"),
        )
        for file in _list_files(folder)
        if file.suffix == ".json"
    }
    if not compared:
        return
    same = sum(compared.values())
    intended = [
        name for name, is_same in compared.items() if not is_same and name in INTENDED_DEVIATIONS
    ]
    yield Measure(
        name="formats-webvtt",
        figure=(same + len(intended)) / len(compared),
        goal=1.0,
        better="higher",
        unit="share of WebVTT files with another parser's cues, or with a deviation that is meant",
        sides={
            "all": {"same cues": same, "meant otherwise": len(intended), "files": len(compared)}
        },
        notes=[
            f"{name}: {INTENDED_DEVIATIONS.get(name, 'not meant')}"
            for name, is_same in compared.items()
            if not is_same
        ],
    )
