"""``onrecord eval formats``: how right the readers are about files whose turns are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from contracts.transcript import TranscriptFormat
from evaluation.measures import Measure
from onrecord.console import err
from onrecord.errors import UsageError
from onrecord.submit.files import read_transcript_file
from transcripts import Reading, TranscriptError, read_transcript
from transcripts.evaluation.cue_comparison import MEANT_DEVIATIONS, compare_cues
from transcripts.evaluation.references import known_turns
from transcripts.evaluation.scoring import (
    Agreement,
    KnownTurn,
    Score,
    agreement,
    is_as_known,
    score,
    total,
    turns_of,
)
from transcripts.registry import format_named

SPEAKER_GOAL: Final = 0.995
WORDS_GOAL: Final = 1.0
START_GOAL: Final = 0.99
AGREEMENT_GOAL: Final = 0.9
_KNOWN: Final = ("interviews", "vendors", "qmsum")
_PAIRS: Final = (("rev", "amberscript"), ("rev", "coraal"), ("amberscript", "coraal"))
_SUFFIX: Final = ".expected.json"


@dataclass(frozen=True, slots=True)
class _Compared:
    """A file beside what is known of it.

    Attributes:
        file: its path.
        family: the kind of source, as ``docs/formats.md`` has it.
        score: what is right in it; None where it is to be refused.
        is_right: whether all of it is as known.
        is_silent: something is missing, and the report says nothing.
    """

    file: Path
    family: str
    score: Score | None
    is_right: bool
    is_silent: bool = False


def measure_formats(folder: Path) -> list[Measure]:
    """Read files whose turns are known, and count what is right, by kind of source.

    Args:
        folder: has found/formats, interviews, vendors, qmsum and webvtt, or some of them.

    Raises:
        UsageError: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    cases = [_case(file) for file in sorted((folder / "found" / "formats").glob(f"*{_SUFFIX}"))]
    real = list(_real(file for name in _KNOWN for file in _files(folder / name)))
    measures = [
        *_cases_measure(cases),
        *_shares_measures([one for one in [*cases, *real] if one.score is not None]),
        *_agreement_measure(folder / "interviews"),
        *_webvtt_measure(folder / "webvtt"),
    ]
    if not measures:
        raise UsageError(f"{folder} holds no files whose turns are known")
    return measures


def _files(folder: Path) -> Iterator[Path]:
    yield from (one for one in sorted(folder.rglob("*")) if one.is_file())


# Files with expectations


def _case(expected: Path) -> _Compared:
    name = expected.name.removesuffix(_SUFFIX)
    others = sorted(expected.parent.glob(f"{name}.*"))
    file = next(one for one in others if not one.name.endswith(_SUFFIX))
    described: dict[str, Any] = json.loads(expected.read_text(encoding="utf-8"))
    wanted = described.get("expected") or described.get("expected_if_supported") or {}
    reading = _read(file)
    if wanted.get("refused"):
        right = reading is None or bool(reading.report.doubts) or bool(wanted.get("or_read"))
        return _Compared(file, "To be refused", None, right)
    known = [
        KnownTurn(one["speaker"] or "Speaker", one["text"], one.get("start_ms"))
        for one in wanted["turns"]
    ]
    return _compared(file, known, reading)


def _real(files: Iterable[Path]) -> Iterator[_Compared]:
    for file in files:
        # The publisher's own JSON stands beside its captions.
        source = file.with_suffix(".json") if file.suffix == ".srt" else file
        try:
            known = known_turns(source.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            err.print(f"passed over, as its turns are not known: {file}", style="dim", markup=False)
            continue
        yield _compared(file, known, _read(file))


def _read(file: Path) -> Reading | None:
    try:
        return read_transcript(read_transcript_file(file).text)
    except (UsageError, TranscriptError):
        return None


def _compared(file: Path, known: Sequence[KnownTurn], reading: Reading | None) -> _Compared:
    if reading is None:
        return _Compared(file, "Refused", score(known, ()), is_right=False)
    read = turns_of(reading.segments)
    found = score(known, read)
    silent = found.kept < found.words and not reading.notices and not reading.report.doubts
    return _Compared(file, _family(reading.format), found, is_as_known(known, read), silent)


def _family(name: TranscriptFormat) -> str:
    return format_named(name).family.value


# Measures


def _cases_measure(cases: Sequence[_Compared]) -> Iterator[Measure]:
    if not cases:
        return
    by_family = _grouped(cases)
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


def _shares_measures(files: Sequence[_Compared]) -> Iterator[Measure]:
    if not files:
        return
    scores = {
        family: total(one.score for one in ones if one.score is not None)
        for family, ones in _grouped(files).items()
    }
    whole = total(scores.values())
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
            figure=whole.shares().get(key, 0.0),
            goal=goal,
            better="higher",
            unit=unit,
            sides={
                family: {key: shares[key], of: getattr(one, of)}
                for family, one in scores.items()
                if key in (shares := one.shares())
            },
            notes=[
                f"{one.file.name}: {share:.2%}"
                for one in files
                if one.score is not None and (share := one.score.shares().get(key, 1)) < goal
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


def _grouped(files: Sequence[_Compared]) -> Mapping[str, list[_Compared]]:
    made: dict[str, list[_Compared]] = defaultdict(list)
    for one in files:
        made[one.family].append(one)
    return dict(sorted(made.items()))


def _agreement_measure(folder: Path) -> Iterator[Measure]:
    names = {
        vendor: {one.stem: one for one in _files(folder / vendor)}
        for pair in _PAIRS
        for vendor in pair
    }
    found: dict[str, list[Agreement]] = {}
    for one, other in _PAIRS:
        both = sorted(names[one].keys() & names[other].keys())
        readings = [(_read(names[one][name]), _read(names[other][name])) for name in both]
        found[f"{one} and {other}"] = [
            agreement(left.segments, right.segments) for left, right in readings if left and right
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


def _webvtt_measure(folder: Path) -> Iterator[Measure]:
    compared = {
        file.relative_to(folder).with_suffix("").as_posix(): compare_cues(
            file.with_suffix(".vtt").read_text(encoding="utf-8", errors="replace"),
            file.read_text(encoding="utf-8"),
        )
        for file in _files(folder)
        if file.suffix == ".json"
    }
    if not compared:
        return
    same = sum(compared.values())
    told = [name for name, is_same in compared.items() if not is_same and name in MEANT_DEVIATIONS]
    yield Measure(
        name="formats-webvtt",
        figure=(same + len(told)) / len(compared),
        goal=1.0,
        better="higher",
        unit="share of WebVTT files with another parser's cues, or with a deviation that is meant",
        sides={"all": {"same cues": same, "meant otherwise": len(told), "files": len(compared)}},
        notes=[
            f"{name}: {MEANT_DEVIATIONS.get(name, 'not meant')}"
            for name, is_same in compared.items()
            if not is_same
        ],
    )
