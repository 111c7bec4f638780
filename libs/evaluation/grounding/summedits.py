"""Check notes made of the SummEdits benchmark: summaries that editors found true or false.

The benchmark is described in Laban et al., "SummEdits: Measuring LLM Ability at Factual Reasoning
Through The Lens of Summarization", EMNLP 2023. A summary becomes one note that cites the whole of
its document; a dialogue becomes one segment a turn. The unedited summary that the files also hold
is not used: in production there is none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from contracts.notes import DraftEvidence, DraftNote
from evaluation.grounding.dialogues import THEME, build_document_chunk, split_turns
from evaluation.grounding.verdicts import LabelledVerdict
from grounding.assessment import check_note
from grounding.syntax.clauses import SyntaxParser
from grounding.text.words import truncate_text
from grounding.uncertainty import classify_uncertainty

_MAX_EXAMPLE_LENGTH: Final = 140


@dataclass(frozen=True, slots=True)
class SummEditsSample:
    """A summary with its document, whether it is consistent with it, and how it was edited."""

    document: str
    summary: str
    is_consistent: bool
    edits: tuple[str, ...]


def parse_summedits(text: str) -> list[SummEditsSample]:
    """Parse the text of a file of the benchmark.

    Raises:
        ValueError: it is not JSON, or not in the benchmark's form.
    """
    try:
        return [_parse_sample(one) for one in json.loads(text)]
    except (TypeError, KeyError) as error:
        raise ValueError("a sample has no doc, summary or label") from error


def _parse_sample(one: dict[str, Any]) -> SummEditsSample:
    return SummEditsSample(
        document=str(one["doc"]),
        summary=str(one["summary"]),
        is_consistent=bool(one["label"]),
        edits=tuple(one.get("edit_types") or ()),
    )


def check_sample(sample: SummEditsSample, parse: SyntaxParser | None = None) -> LabelledVerdict:
    """Check a sample's summary as a note; with a parser, by the heavy mode's checks too."""
    chunk = build_document_chunk(split_turns(sample.document))
    cited = tuple(DraftEvidence(segment=one.number) for one in chunk.segments)
    draft = DraftNote(statement=sample.summary, evidence=cited, themes=(THEME.id,))
    checked = check_note(draft, chunk, parse)
    failures = checked.failures
    example = failures[0].claim if failures else sample.summary
    return LabelledVerdict(
        is_true=sample.is_consistent,
        is_accepted=not failures,
        categories=sample.edits,
        failed_checks=tuple(one.check for one in failures),
        example=truncate_text(example, _MAX_EXAMPLE_LENGTH),
        document=sample.document,
        is_uncertain=classify_uncertainty(checked) is not None,
    )
