"""The project's own labelled pairs: that they are whole, and that no passage is in both files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evaluation.grounding.pairs import read_pairs

ROOT = Path(__file__).parents[3]
PAIRS = ROOT / "libs" / "evaluation" / "pairs"
DATA = ROOT / ".." / "shared" / "data"
FILES = ("developed", "held_out")
TRUE_KINDS = {"faithful", "extractive"}
FALSE_KINDS = {
    *("attribution", "cause", "exception_dropped", "hedge_dropped", "hypothetical_as_fact"),
    *("negation_lost", "number", "over_general", "question_as_statement", "retracted"),
    *("role_swap", "sarcasm", "sentiment", "tense", "unmet_condition"),
}


def _load(name: str) -> list[dict[str, Any]]:
    lines = (PAIRS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", FILES)
def test_every_kind_has_notes_enough_to_tell(name: str) -> None:
    counts = Counter((bool(one["label"]), one["kind"]) for one in _load(name))
    expected = {(True, kind) for kind in TRUE_KINDS} | {(False, kind) for kind in FALSE_KINDS}
    assert set(counts) == expected
    assert min(counts.values()) >= 10
    assert counts.total() >= 200


def test_no_source_and_no_made_up_talk_is_in_both_files() -> None:
    developed, held_out = (
        {one.get("source") or one["doc"] for one in _load(name)} for name in FILES
    )
    assert not developed & held_out


@pytest.mark.parametrize("name", FILES)
def test_no_note_stands_twice(name: str) -> None:
    pairs = [json.dumps(one, sort_keys=True) for one in _load(name)]
    assert len(set(pairs)) == len(pairs)


@pytest.mark.skipif(not (DATA / "qmsum").is_dir(), reason="the given meetings are not here")
@pytest.mark.parametrize("name", FILES)
def test_every_pair_is_on_turns_that_are_there(name: str) -> None:
    read = read_pairs(PAIRS / f"{name}.jsonl", DATA)
    assert not read.absent
    assert len(read.pairs) == len(_load(name))
