"""Score the statements of notes, and confirm or refute those about which a score is clear.

A statement is scored sentence by sentence. A sentence counts as its best window, and a statement
as its worst sentence: each has to follow from something that was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from contracts.events import ChunkReady
from contracts.notes import CheckFailure, Standing, Voucher, VoucherKind
from entailment.files import read_model_folder
from entailment.onnx_scorer import PURPOSE, OnnxScorer
from entailment.ports import EntailmentScorer, TextPair
from entailment.rounds import NoteDecision, NoteScore, decide_notes_from_pairs
from entailment.thresholds import ScoreDecision, Thresholds, read_thresholds
from entailment.windows import Utterance, build_windows, list_utterances, rank_windows
from grounding.assessment import CheckedNote
from grounding.evidence import locate_evidence
from grounding.text.addressing import split_sentences
from grounding.text.words import split_words, truncate_text
from onnx_models.text_model import require_packages

NOT_ENTAILED_BY_MODEL: Final = "not_entailed_by_model"
"""The check that a note fails if an entailment model scores it below the lower threshold."""

_MAX_WINDOWS: Final = 4
"""Windows of which a sentence is scored against at most: those that share most words with it."""
_MIN_PREMISE_TOKENS: Final = 16
_SPARE_TOKENS: Final = 4
"""Tokens kept free: joined, texts may be a few more than one by one."""
_MIN_SENTENCE_WORDS: Final = 3


@dataclass(frozen=True, slots=True)
class EntailmentModel:
    """Entailment model together with its calibrated thresholds."""

    scorer: EntailmentScorer
    thresholds: Thresholds


@lru_cache(maxsize=1)
def open_calibrated_model(folder: Path) -> EntailmentModel:
    """Load an entailment model and its thresholds; a loaded model is reused.

    Raises:
        ModelError: the model or its thresholds cannot be used; the message says why.
    """
    model = read_model_folder(folder)
    return EntailmentModel(OnnxScorer(model), read_thresholds(model))


def validate_calibrated_model(folder: Path) -> None:
    """Load an entailment model, score a sample and read its thresholds; raise if one fails.

    Raises:
        ModelError: the model or its thresholds cannot be used; the message says why.
    """
    require_packages(PURPOSE)
    model = read_model_folder(folder)
    read_thresholds(model)
    _validate_files(folder, tuple(sorted(model.hashes.items())))


@lru_cache(maxsize=1)
def _validate_files(folder: Path, hashes: tuple[tuple[str, str], ...]) -> None:
    """Load a model and forget it; files that passed are not loaded again."""
    del hashes  # they only tell files apart
    OnnxScorer(read_model_folder(folder))


def is_undecided_by_rules(checked: CheckedNote) -> bool:
    """Return whether a note has failed no check, but no rule proves its statement either."""
    return not checked.failures and checked.standing is Standing.UNPROVEN


def decide_notes_by_entailment(
    checked: Sequence[CheckedNote], chunk: ChunkReady, model: EntailmentModel
) -> tuple[CheckedNote, ...]:
    """Confirm or refute undecided notes by an entailment model's scores and thresholds.

    Args:
        checked: the notes of a draft, before anything in them is masked.
        chunk: what the drafting model was shown.
        model: scores them together, as far as its thresholds need it.

    Returns:
        The notes in the same order.

    Raises:
        ScoreError: the model gave a score that is no number.
    """
    asked = [at for at, one in enumerate(checked) if is_undecided_by_rules(one)]
    plans = [list(_plan_pairs(checked[at], chunk, model.scorer)) for at in asked]
    found = decide_notes_from_pairs(plans, model.scorer, model.thresholds)
    decided = list(checked)
    for at, one in zip(asked, found, strict=True):
        if one is not None:
            decided[at] = _apply_decision(checked[at], one, model)
    return tuple(decided)


def score_notes(
    notes: Sequence[CheckedNote], chunk: ChunkReady, scorer: EntailmentScorer
) -> list[NoteScore | None]:
    """Score notes by all their windows; None for a note that is too long for the model.

    Raises:
        ScoreError: the model gave a score that is no number.
    """
    plans = [list(_plan_pairs(one, chunk, scorer)) for one in notes]
    pairs = dict.fromkeys(pair for plan in plans for each in plan for pair in each)
    scores = dict(zip(pairs, scorer.score(list(pairs)), strict=True)) if pairs else {}
    return [_find_worst(plan, scores) for plan in plans]


def _find_worst(
    plan: Sequence[Sequence[TextPair]], scores: dict[TextPair, float]
) -> NoteScore | None:
    best = [
        NoteScore(max(scores[one] for one in pairs), pairs[0].hypothesis) for pairs in plan if pairs
    ]
    return min(best, key=lambda one: one.score) if best else None


def _plan_pairs(
    checked: CheckedNote, chunk: ChunkReady, scorer: EntailmentScorer
) -> Iterator[list[TextPair]]:
    """Yield for each sentence of a note's statement the pairs that it is scored by."""
    sentences = _split_statement(checked.draft.statement)
    longest = max((len(scorer.find_token_ends(one)) for one in sentences), default=0)
    budget = min(scorer.window_tokens, scorer.pair_tokens - longest - _SPARE_TOKENS)
    if budget < _MIN_PREMISE_TOKENS:
        return
    utterances: list[Utterance] = list_utterances(locate_evidence(checked.evidence, chunk), chunk)
    windows = build_windows(utterances, budget, scorer.find_token_ends)
    for sentence in sentences:
        yield [TextPair(one, sentence) for one in rank_windows(windows, sentence, _MAX_WINDOWS)]


def _split_statement(statement: str) -> list[str]:
    """Return a statement's sentences; one of a word or two, as "Dr." is, goes with the next."""
    sentences: list[str] = []
    begun = ""
    for part in split_sentences(statement):
        begun = f"{begun} {part}".strip()
        if len(split_words(begun)) >= _MIN_SENTENCE_WORDS:
            sentences.append(begun)
            begun = ""
    if begun and sentences:
        sentences[-1] = f"{sentences[-1]} {begun}"
    elif begun:
        sentences.append(begun)
    return sentences


def _apply_decision(
    checked: CheckedNote, found: NoteDecision, model: EntailmentModel
) -> CheckedNote:
    if found.decision is ScoreDecision.CONFIRMED:
        voucher = _build_voucher(found.score, model)
        return replace(checked, standing=Standing.CONFIRMED, vouchers=(voucher,))
    if found.decision is ScoreDecision.REFUTED:
        failure = _build_failure(checked, found.score, model)
        return replace(checked, failures=(*checked.failures, failure))
    return checked


def _build_voucher(score: NoteScore, model: EntailmentModel) -> Voucher:
    name = model.scorer.name
    return Voucher(
        kind=VoucherKind.ENTAILMENT,
        name=name,
        detail=f"The entailment model {name} scored how far what was said supports the statement: "
        f"{score.score:.3f}, and it confirms from {model.thresholds.confirm_from:.3f} on.",
    )


def _build_failure(checked: CheckedNote, score: NoteScore, model: EntailmentModel) -> CheckFailure:
    return CheckFailure(
        check=NOT_ENTAILED_BY_MODEL,
        reason=f"The entailment model {model.scorer.name} scored how far what was said supports "
        f"this: {score.score:.3f}, and it refuses below {model.thresholds.refute_below:.3f}.",
        claim=truncate_text(score.sentence),
        evidence=truncate_text(" … ".join(_list_quotes(checked))),
    )


def _list_quotes(checked: CheckedNote) -> Iterable[str]:
    return (one.quote for one in checked.evidence)
