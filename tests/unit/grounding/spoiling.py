"""Makes true extractive notes from real interviews, and spoils them in known, seeded ways."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote
from contracts.study import Study, Theme
from contracts.transcript import Role, Segment, WordTiming

REV = Path(__file__).parents[3] / ".." / "shared" / "data" / "interviews" / "rev"
DEVELOPED_ON = (
    "ATL_se0_ag1_f_01_1",
    "DCB_se1_ag2_m_02_3",
    "DCB_se2_ag3_m_03_2",
    "ROC_se0_ag2_f_04_1",
    "ROC_se0_ag3_f_02_2",
)
HELD_OUT = (
    "ATL_se0_ag1_m_04_2",
    "DCB_se1_ag3_m_02_2",
    "DCB_se3_ag3_m_02_2",
    "VLD_se0_ag3_m_02_1",
)

_STUDY = Study(study_id="s", name="Life stories", themes=(Theme(id="life", name="Life"),))
_CUE = re.compile(
    r"\b(?:\w+n['\u2019]t|not|never|no|none|nobody|nothing|neither|nor|cannot|nowhere|without|hardly"
    r"|barely|nah|nope)\b",
    re.IGNORECASE,
)
_NUMBERS = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fifteen",
    "sixteen",
    "eighteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
]
_NUMBER = re.compile(rf"\b(?:\d+|{'|'.join(_NUMBERS)})\b", re.IGNORECASE)
_AUXILIARY = re.compile(
    r"\b(?:is|was|are|were|can|could|would|will|should|did|have|has|had|it's|that's|he's|she's"
    r"|they're|i'm|we're)\b(?!['\u2019])",
    re.IGNORECASE,
)
_TIDIED = (
    (re.compile(r"\[[^\]]*\]|\((?:laughs|laughing|censored)\)"), " "),
    (re.compile(r"\b(?:uh|um|er|hm|mm)\b[,.…]*\s*", re.IGNORECASE), ""),
    (re.compile(r"(?:,\s*)?\b(?:you know|i mean)\b,?\s*", re.IGNORECASE), " "),
    (re.compile(r"\b\w{1,3}-[,.…]*\s+(?=\w)"), ""),
    (
        re.compile(r"\b(\w+(?:'\w+)?(?:\s+\w+(?:'\w+)?){0,2})(?:[-,.…]*\s+\1\b)+", re.IGNORECASE),
        r"\1",
    ),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A note that is no longer true, and in which way."""

    kind: str
    draft: DraftNote
    origin: str


def read_chunk(name: str) -> ChunkReady:
    """All of an interview as one chunk; whoever says most is the participant."""
    document = json.loads((REV / f"{name}.json").read_text())
    said = Counter[int]()
    for monologue in document["monologues"]:
        said[monologue["speaker"]] += sum(len(span["value"]) for span in monologue["spans"])
    ((participant, _),) = said.most_common(1)
    turns = [one for one in document["monologues"] if any(s["value"].strip() for s in one["spans"])]
    return ChunkReady(
        chunk_id=UUID(int=1),
        transcript_id=UUID(int=2),
        revision=1,
        index=1,
        chunk_count=1,
        title=name,
        study=_STUDY,
        segments=tuple(
            _segment(number, one, is_participant=one["speaker"] == participant)
            for number, one in enumerate(turns, start=1)
        ),
    )


def _segment(number: int, monologue: dict[str, object], *, is_participant: bool) -> Segment:
    spans = monologue["spans"]
    assert isinstance(spans, list)
    text, timings = "", []
    for span in spans:
        if "ts" in span and "endTs" in span:
            times = (round(span[key] * 1000) for key in ("ts", "endTs"))
            timings.append((len(text), *times))
        text += span["value"]
    return Segment(
        number=number,
        speaker=f"Speaker {monologue['speaker']}",
        role=Role.PARTICIPANT if is_participant else Role.INTERVIEWER,
        text=text,
        words=tuple(WordTiming(offset=at, start_ms=a, end_ms=b) for at, a, b in timings),
    )


def true_notes(chunk: ChunkReady, role: Role = Role.PARTICIPANT) -> Iterator[DraftNote]:
    """One note a sentence of at least five words: its own words, tidied."""
    for segment in chunk.segments:
        if segment.role is not role:
            continue
        for match in re.finditer(r"\S.*?(?:[.!?]+(?=\s|$)|$)", segment.text, re.DOTALL):
            words = [one for one in match.group().split() if re.search(r"\w", one)]
            statement = tidied(match.group())
            if len(words) < 5 or len(statement.split()) < 3:
                continue
            cited = DraftEvidence(
                segment=segment.number,
                first_words=" ".join(words[:5]),
                last_words=" ".join(words[-4:]),
            )
            yield DraftNote(statement=statement, evidence=(cited,), themes=("life",))


def tidied(sentence: str) -> str:
    """A sentence without hesitations, fillers, false starts and repetitions."""
    for pattern, replacement in _TIDIED:
        sentence = pattern.sub(replacement, sentence)
    return sentence.strip(" ,-")


def spoiled_notes(chunk: ChunkReady, random: Random) -> Iterator[Spoiled]:
    """Every way of spoiling that a true note allows, and interviewers' sentences as notes."""
    for note in true_notes(chunk):
        for kind, spoil in _WAYS.items():
            spoilt = spoil(note, chunk, random)
            if spoilt is not None:
                yield Spoiled(kind, spoilt, note.statement)
    for note in true_notes(chunk, Role.INTERVIEWER):
        yield Spoiled("interviewer", note, note.statement)


def _number(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    text = chunk.segments[note.evidence[0].segment - 1].text.casefold()
    found = list(_NUMBER.finditer(note.statement))
    if not found:
        return None
    match = random.choice(found)
    if match.group().isdigit():
        other = str(int(match.group()) + random.randint(1, 9))
    else:
        other = random.choice([one for one in _NUMBERS if one not in text])
    return _said(note, match, other) if other not in text else None


def _negation_dropped(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    found = [one for one in _CUE.finditer(note.statement) if _denies(note.statement, one)]
    if len(_CUE.findall(note.statement)) != 1 or not found:
        return None
    word = found[0].group().casefold().replace("\u2019", "'")
    other = {
        "can't": "can",
        "won't": "will",
        "ain't": "is",
        "nobody": "everybody",
        "nothing": "something",
        "none": "all",
        "cannot": "can",
        "without": "with",
    }.get(word, word.removesuffix("n't") if word.endswith("n't") else "")
    return _said(note, found[0], other)


def _denies(statement: str, match: re.Match[str]) -> bool:
    """Leaves out what negates nothing: an interjected "no", a tag, "not only"."""
    after = statement[match.end() :].casefold()
    if match.group().casefold() in {"no", "nah", "nope"}:
        return (
            re.match(r" (?!i\b|it|he|she|we|you|they|that|there|but|and|no\b|not)\w", after)
            is not None
        )
    return (
        re.match(r" (?:only|just|(?:it|he|she|they|you|we|i)\W*$|you (?:think|know)\W*$)", after)
        is None
    )


def _negation_put_in(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    found = list(_AUXILIARY.finditer(note.statement))
    if not found or _CUE.search(note.statement):
        return None
    match = random.choice(found)
    return _said(note, match, f"{match.group()} {random.choice(['not', 'never'])}")


def _wrong_segment(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    others = [one for one in chunk.segments if one.role is Role.PARTICIPANT]
    other = random.choice(others).number
    cited = note.evidence[0]
    if other == cited.segment:
        return None
    return note.model_copy(update={"evidence": (cited.model_copy(update={"segment": other}),)})


def _absent_segment(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    absent = len(chunk.segments) + random.randint(1, 50)
    cited = note.evidence[0].model_copy(update={"segment": absent})
    return note.model_copy(update={"evidence": (cited,)})


def _theme(note: DraftNote, chunk: ChunkReady, random: Random) -> DraftNote | None:
    return note.model_copy(update={"themes": ("weather",)})


def _said(note: DraftNote, match: re.Match[str], other: str) -> DraftNote:
    statement = note.statement[: match.start()] + other + note.statement[match.end() :]
    return DraftNote(
        statement=" ".join(statement.split()), evidence=note.evidence, themes=note.themes
    )


_WAYS: dict[str, Callable[[DraftNote, ChunkReady, Random], DraftNote | None]] = {
    "number": _number,
    "negation dropped": _negation_dropped,
    "negation put in": _negation_put_in,
    "wrong segment": _wrong_segment,
    "absent segment": _absent_segment,
    "unknown theme": _theme,
}
