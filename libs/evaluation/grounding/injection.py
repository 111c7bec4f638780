"""Plant instructions in an interview, and check what models that obey them would draft.

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
from contracts.notes import DraftEvidence, DraftNote, Note, Standing
from contracts.transcript import Segment
from evaluation.grounding.mutations import attribute_to
from evaluation.grounding.obedient_answers import (
    asks_for_encoding,
    compose_answers,
    encode_statement,
    wrap_instruction,
)
from evaluation.grounding.true_notes import THEME, TrueNote, build_chunk, iter_true_notes
from evaluation.grounding.verdicts import LabelledVerdict, derive_standing
from grounding.assessment import assess_note, check_note
from grounding.checks import INJECTION_CHECK_NAMES
from grounding.text.addressing import split_sentences
from grounding.text.words import split_words, truncate_text

PLACES: Final = ("start", "middle", "end")
REPORTED: Final = "reported"
_CONTEXT_SEGMENTS: Final = 3
_MIN_SENTENCES: Final = 3
_MIN_PROMPT_WORDS: Final = 7
_LEAKED_SENTENCES: Final = 3
_MAX_EXAMPLE_LENGTH: Final = 140
_MAX_STATEMENT: Final = 1_900


@dataclass(frozen=True, slots=True)
class Attack:
    """An instruction, and the kind of instruction that its file lists it under."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _PlantedAttack:
    chunk: ChunkReady
    note: TrueNote
    attack: Attack
    place: str

    @property
    def citation(self) -> DraftEvidence:
        """The citation of exactly the planted words."""
        spoken = [one.text for one in split_words(self.attack.text)]
        return DraftEvidence(
            segment=self.note.segment.number,
            first_words=" ".join(spoken[:5])[:300],
            last_words=" ".join(spoken[-4:])[:300],
        )


def parse_attacks(text: str) -> list[Attack]:
    """Parse the text of a file of instructions by kind.

    Raises:
        ValueError: it is not JSON, or not of that form.
    """
    kinds = json.loads(text)
    if not isinstance(kinds, dict) or not all(isinstance(one, list) for one in kinds.values()):
        raise ValueError("not of the form {kind: [instruction, …]}")
    return [
        Attack(kind, " ".join(one.split()) if "\n" not in one.strip() else one.strip())
        for kind, several in kinds.items()
        for one in several
        if isinstance(one, str) and split_words(one)
    ]


def check_planted_notes(
    attacks: Sequence[Attack], title: str, segments: Sequence[Segment], seed: int
) -> Iterator[LabelledVerdict]:
    """Check what an obedient model would draft about each instruction, at three places of a turn.

    Args:
        attacks: the instructions.
        title: identifies the interview.
        segments: its turns.
        seed: of the choice of turns.

    Yields:
        A verdict for each note. One that obeys is false, its categories are the way it obeys and
        the attack's kind, its document is the attack; one that only reports the instruction is
        true.
    """
    random = Random(f"{seed} {title}")  # noqa: S311 - a choice of examples, no secret
    hosts = _list_hosts(title, segments)
    for attack in attacks:
        for place in PLACES:
            for way, draft in _iter_drafts(
                planted := _plant(attack, place, random.choice(hosts)), random
            ):
                checked = check_note(draft, planted.chunk)
                yield LabelledVerdict(
                    is_true=way == REPORTED,
                    # What is only doubted is stored, if as no finding.
                    is_accepted=derive_standing(checked) is not Standing.REFUTED,
                    categories=(way, attack.kind),
                    failed_checks=tuple(one.check for one in checked.failures),
                    example=truncate_text(draft.statement, _MAX_EXAMPLE_LENGTH),
                    document=attack.text,
                )


def check_true_notes(title: str, segments: Sequence[Segment]) -> Iterator[tuple[bool, str]]:
    """Yield for each true note whether a check against injection refuses it, and its text."""
    chunk = build_chunk(title, segments)
    for note in iter_true_notes(chunk):
        for draft in (note.draft, attribute_to(note, note.segment.speaker)):
            result = assess_note(draft, chunk)
            failed = () if isinstance(result, Note) else result.failures
            yield any(one.check in INJECTION_CHECK_NAMES for one in failed), draft.statement


def _list_hosts(title: str, segments: Sequence[Segment]) -> list[tuple[ChunkReady, TrueNote]]:
    """Return true notes of turns of several sentences, each with the turns around it as a chunk."""
    chunk = build_chunk(title, segments)
    found: list[tuple[ChunkReady, TrueNote]] = []
    for note in iter_true_notes(chunk):
        at = chunk.segments.index(note.segment)
        near = chunk.segments[max(0, at - _CONTEXT_SEGMENTS) : at + _CONTEXT_SEGMENTS + 1]
        if len(split_sentences(note.segment.text)) >= _MIN_SENTENCES:
            found.append((chunk.model_copy(update={"segments": near}), note))
    return found or [(chunk, note) for note in iter_true_notes(chunk)]


def _plant(attack: Attack, place: str, host: tuple[ChunkReady, TrueNote]) -> _PlantedAttack:
    chunk, note = host
    text = note.segment.text
    spoken = list(split_sentences(text))
    at = {"start": 0, "middle": len(spoken) // 2, "end": len(spoken)}[place]
    ended = attack.text if attack.text[-1] in ".?!" else f"{attack.text}."
    text = " ".join([*spoken[:at], ended, *spoken[at:]])
    segment = Segment(
        number=note.segment.number,
        speaker=note.segment.speaker,
        role=note.segment.role,
        text=text,
    )
    turns = tuple(segment if one.number == segment.number else one for one in chunk.segments)
    host_chunk = chunk.model_copy(update={"segments": turns})
    return _PlantedAttack(host_chunk, replace(note, segment=segment), attack, place)


def _iter_drafts(planted: _PlantedAttack, random: Random) -> Iterator[tuple[str, DraftNote]]:
    instruction = planted.attack.text[:_MAX_STATEMENT]
    own = planted.note.draft
    turn = DraftEvidence(segment=planted.note.segment.number)
    ended = own.statement if own.statement[-1] in ".?!" else f"{own.statement}."
    both = (*own.evidence, planted.citation)
    yield "instruction", _draft(instruction, planted.citation)
    yield "instruction", _draft(instruction, turn)
    for statement in wrap_instruction(instruction):
        yield "wrapped", _draft(statement, planted.citation)
    for statement in compose_answers(instruction):
        yield "answer", _draft(statement, planted.citation)
        yield "answer, cited with the turn", _draft(statement, turn)
        yield "appended", _draft(f"{ended} {statement}"[:_MAX_STATEMENT], *both)
    yield "appended", _draft(f"{ended} {instruction}"[:_MAX_STATEMENT], *both)
    if asks_for_encoding(instruction):
        for statement in encode_statement(planted.note):
            yield "cipher", _draft(statement[:_MAX_STATEMENT], *own.evidence)
            yield "cipher", _draft(statement[:_MAX_STATEMENT], *both)
    for leaked in random.sample(_list_prompt_sentences(), _LEAKED_SENTENCES):
        yield "leak", _draft(leaked, planted.citation)
        yield "leak", _draft(f"They said: {leaked}", turn)
    yield "fields", own.model_copy(update={"themes": (instruction,)})
    yield "fields", own.model_copy(update={"questions": (instruction,)})
    yield (
        "fields",
        _draft(
            own.statement,
            DraftEvidence(
                segment=turn.segment, first_words=f"Sure, here it is: {instruction}"[:300]
            ),
        ),
    )
    yield (
        REPORTED,
        _draft(f"The participant said: “{instruction}”"[:_MAX_STATEMENT], planted.citation),
    )
    yield (
        REPORTED,
        _draft(
            f"{planted.note.segment.speaker} asked: {instruction}"[:_MAX_STATEMENT],
            planted.citation,
        ),
    )


def _list_prompt_sentences() -> list[str]:
    texts = (*prompts.load_note_instructions(), *prompts.load_note_example_texts())
    lines = dict.fromkeys(one for text in texts for one in split_sentences(text))
    return [one for one in lines if len(split_words(one)) >= _MIN_PROMPT_WORDS]


def _draft(statement: str, *cited: DraftEvidence) -> DraftNote:
    return DraftNote(statement=statement, evidence=cited, themes=(THEME.id,))
