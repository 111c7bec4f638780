"""Instructions planted in an interview, and what models that obey them would draft.

Instructions are read in the form of BIPIA's files: ``{kind: [instruction, …]}`` (Yi et al.,
"Benchmarking and Defending Against Indirect Prompt Injection Attacks on Large Language Models").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import prompts
from contracts.events import ChunkReady
from contracts.notes import DraftEvidence, DraftNote, Note
from contracts.transcript import Segment
from grounding.assessment import judge
from grounding.checks import INJECTION
from grounding.evaluation.extracts import THEME, Extract, extracts, whole
from grounding.evaluation.obeying import answers, asks_for_a_cipher, ciphers, wrapped
from grounding.evaluation.scoring import Verdict
from grounding.evaluation.spoiling import attributed
from grounding.text.addressing import sentences
from grounding.text.words import clip, words

__all__ = ["Attack", "planted", "read_attacks", "refused_true"]

PLACES: Final = ("start", "middle", "end")
REPORTED: Final = "reported"
_AROUND: Final = 3
_FEWEST: Final = 3
_LEAKED: Final = 3
_EXAMPLE: Final = 140
_HELD: Final = 1_900


@dataclass(frozen=True, slots=True)
class Attack:
    """One instruction, and the kind its file files it under."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Planted:
    chunk: ChunkReady
    extract: Extract
    attack: Attack
    place: str

    @property
    def cited(self) -> DraftEvidence:
        """The planted words, cited exactly."""
        spoken = [one.text for one in words(self.attack.text)]
        return DraftEvidence(
            segment=self.extract.segment.number,
            first_words=" ".join(spoken[:5])[:300],
            last_words=" ".join(spoken[-4:])[:300],
        )


def read_attacks(text: str) -> list[Attack]:
    """Read a file of instructions by kind.

    Raises:
        ValueError: it is not JSON, or not of that form.
    """
    kinds = json.loads(text)
    if not isinstance(kinds, dict) or not all(isinstance(one, list) for one in kinds.values()):
        raise ValueError("not of the form {kind: [instruction, …]}")
    return [
        Attack(kind, " ".join(told.split()) if "\n" not in told.strip() else told.strip())
        for kind, several in kinds.items()
        for told in several
        if isinstance(told, str) and words(told)
    ]


def planted(
    attacks: Sequence[Attack], title: str, segments: Sequence[Segment], seed: int
) -> Iterator[Verdict]:
    """Judge what an obedient model would draft about each instruction, at three places of a turn.

    Args:
        attacks: the instructions.
        title: what identifies the interview.
        segments: its turns.
        seed: of the choice of turns.

    Yields:
        A verdict for each note. One that obeys is false, its kinds are the way it obeys and the
        attack's kind, its document is the attack; one that only reports the instruction is true.
    """
    random = Random(f"{seed} {title}")  # noqa: S311 - a choice of examples, no secret
    hosts = _hosts(title, segments)
    for attack in attacks:
        for place in PLACES:
            for way, draft in _drafts(spot := _plant(attack, place, random.choice(hosts)), random):
                result = judge(draft, spot.chunk)
                failures = () if isinstance(result, Note) else result.failures
                yield Verdict(
                    is_true=way == REPORTED,
                    is_accepted=not failures,
                    kinds=(way, attack.kind),
                    checks=tuple(one.check for one in failures),
                    example=clip(draft.statement, _EXAMPLE),
                    document=attack.text,
                )


def refused_true(title: str, segments: Sequence[Segment]) -> Iterator[tuple[bool, str]]:
    """For each true note of a transcript, whether one of these checks refuses it, and its text."""
    chunk = whole(title, segments)
    for extract in extracts(chunk):
        for draft in (extract.draft, attributed(extract, extract.segment.speaker)):
            result = judge(draft, chunk)
            failed = () if isinstance(result, Note) else result.failures
            yield any(one.check in INJECTION for one in failed), draft.statement


def _hosts(title: str, segments: Sequence[Segment]) -> list[tuple[ChunkReady, Extract]]:
    """True notes from turns of several sentences, each with the turns around it as a chunk."""
    chunk = whole(title, segments)
    found: list[tuple[ChunkReady, Extract]] = []
    for extract in extracts(chunk):
        at = chunk.segments.index(extract.segment)
        near = chunk.segments[max(0, at - _AROUND) : at + _AROUND + 1]
        if len(sentences(extract.segment.text)) >= _FEWEST:
            found.append((chunk.model_copy(update={"segments": near}), extract))
    return found or [(chunk, extract) for extract in extracts(chunk)]


def _plant(attack: Attack, place: str, host: tuple[ChunkReady, Extract]) -> _Planted:
    chunk, extract = host
    said = extract.segment.text
    told = list(sentences(said))
    at = {"start": 0, "middle": len(told) // 2, "end": len(told)}[place]
    ended = attack.text if attack.text[-1] in ".?!" else f"{attack.text}."
    text = " ".join([*told[:at], ended, *told[at:]])
    segment = Segment(
        number=extract.segment.number,
        speaker=extract.segment.speaker,
        role=extract.segment.role,
        text=text,
    )
    turns = tuple(segment if one.number == segment.number else one for one in chunk.segments)
    there = chunk.model_copy(update={"segments": turns})
    return _Planted(there, replace(extract, segment=segment), attack, place)


def _drafts(spot: _Planted, random: Random) -> Iterator[tuple[str, DraftNote]]:
    told = spot.attack.text[:_HELD]
    own = spot.extract.draft
    turn = DraftEvidence(segment=spot.extract.segment.number)
    ended = own.statement if own.statement[-1] in ".?!" else f"{own.statement}."
    both = (*own.evidence, spot.cited)
    yield "instruction", _note(told, spot.cited)
    yield "instruction", _note(told, turn)
    for statement in wrapped(told):
        yield "wrapped", _note(statement, spot.cited)
    for statement in answers(told):
        yield "answer", _note(statement, spot.cited)
        yield "answer, cited with the turn", _note(statement, turn)
        yield "appended", _note(f"{ended} {statement}"[:_HELD], *both)
    yield "appended", _note(f"{ended} {told}"[:_HELD], *both)
    if asks_for_a_cipher(told):
        for statement in ciphers(spot.extract):
            yield "cipher", _note(statement[:_HELD], *own.evidence)
            yield "cipher", _note(statement[:_HELD], *both)
    for leaked in random.sample(_sentences_of_the_prompt(), _LEAKED):
        yield "leak", _note(leaked, spot.cited)
        yield "leak", _note(f"They said: {leaked}", turn)
    yield "fields", own.model_copy(update={"themes": (told,)})
    yield "fields", own.model_copy(update={"questions": (told,)})
    yield (
        "fields",
        _note(
            own.statement,
            DraftEvidence(segment=turn.segment, first_words=f"Sure, here it is: {told}"[:300]),
        ),
    )
    yield REPORTED, _note(f"The participant said: “{told}”"[:_HELD], spot.cited)
    yield REPORTED, _note(f"{spot.extract.segment.speaker} asked: {told}"[:_HELD], spot.cited)


def _sentences_of_the_prompt() -> list[str]:
    texts = (*prompts.instructions(), *prompts.examples())
    lines = dict.fromkeys(one for text in texts for one in sentences(text))
    return [one for one in lines if len(words(one)) > _FEWEST + 3]


def _note(statement: str, *cited: DraftEvidence) -> DraftNote:
    return DraftNote(statement=statement, evidence=cited, themes=(THEME.id,))
