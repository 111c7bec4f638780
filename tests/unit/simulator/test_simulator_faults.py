"""Rules fire as configured, and a spoiled note is wrong in exactly the way that was asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.notes import DraftNote
from simulator.answers import format_notes, garble_json
from simulator.fault_injection import inject_note_fault
from simulator.faults import NOTE_FAULTS, FaultKind, FaultRule, FaultRuleSet
from simulator.latency import LatencyDistribution
from simulator.picker import draft_notes_from_noteworthy_sentences
from simulator.prompt import PromptPassage, parse_notes_prompt
from simulator.settings import (
    FaultRulesError,
    SimulatorSettings,
    load_fault_rules,
    parse_fault_rules,
)

PASSAGE = PromptPassage.model_validate(
    {
        "study": {"themes": [{"id": "cost", "name": "Cost", "description": "bills, prices"}]},
        "context": [],
        "segments": [
            {"number": 7, "role": "interviewer", "text": "Tell me how the bills have been so far."},
            {"number": 8, "role": "participant", "text": "We paid sixty pounds for the bill."},
        ],
    }
)


def note(statement: str) -> DraftNote:
    (good,) = draft_notes_from_noteworthy_sentences(PASSAGE, 1)
    return good.model_copy(update={"statement": statement})


def spoiled(statement: str, fault: FaultKind) -> DraftNote:
    (bad,) = inject_note_fault((note(statement),), fault, PASSAGE, Random(1))
    return bad


def fires(book: FaultRuleSet, attempts: int, text: str = "", content: str = "c") -> list[bool]:
    return [bool(book.fire(text, content, n, notes=True)) for n in range(1, attempts + 1)]


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("We paid sixty pounds.", "We paid seventy pounds."),
        ("Ninety of them came.", "Eighty of them came."),
        ("It was cold.", r"It was cold, \d+ times."),
        ("It is A4 paper.", r"It is A4 paper, \d+ times."),
        ("Only one of them came.", r"Only one of them came, \d+ times."),
        ("It was 3.5 degrees in 1995.", r"It was (?!3\b)\d+\.5 degrees in 1995."),
    ],
)
def test_alters_a_number_or_puts_one_in(statement: str, wrong: str) -> None:
    assert re.fullmatch(wrong, spoiled(statement, FaultKind.ALTERED_NUMBER).statement)


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("I didn't pay it.", "I did pay it."),
        ("I can\u2019t and won't pay.", "I can and will pay."),
        ("We never paid nothing.", "We paid everything."),
        ("No bill came.", "Bill came."),
        ("It was cold.", "It was not cold."),
        ("We paid sixty pounds.", "It is not true that We paid sixty pounds."),
        ("No.", "It is not true that No."),
        ("I said no for years.", "It is not true that I said no for years."),
    ],
)
def test_drops_every_negation_or_puts_one_in(statement: str, wrong: str) -> None:
    assert spoiled(statement, FaultKind.DROPPED_NEGATION).statement == wrong


def test_names_a_segment_or_a_theme_that_is_not_there() -> None:
    assert spoiled("It is.", FaultKind.WRONG_SEGMENT).evidence[0].segment > 8
    assert "cost" not in spoiled("It is.", FaultKind.UNKNOWN_THEME).themes


def test_offers_the_interviewers_words_and_without_them_a_segment_that_is_not_there() -> None:
    bad = spoiled("It is.", FaultKind.INTERVIEWER_QUOTE)
    assert (bad.evidence[0].segment, bad.statement) == (
        7,
        "Tell me how the bills have been so far.",
    )
    alone = PASSAGE.model_copy(update={"segments": PASSAGE.segments[1:]})
    (bad,) = inject_note_fault((note("It is."),), FaultKind.INTERVIEWER_QUOTE, alone, Random(1))
    assert bad.evidence[0].segment > 8


def test_garbled_answers_are_never_json() -> None:
    for content in (format_notes(()), format_notes((note("It is."),))):
        for seed in range(50):
            with pytest.raises(json.JSONDecodeError):
                json.loads(garble_json(content, Random(seed)).content or "")


def test_a_rule_fires_as_often_as_told() -> None:
    book = FaultRuleSet([FaultRule(fault=FaultKind.HANG, times=2)], 1)
    assert fires(book, 4) == [True, True, False, False]


def test_a_rule_fires_only_where_its_text_is() -> None:
    book = FaultRuleSet([FaultRule(fault=FaultKind.HANG, match="violin")], 1)
    assert fires(book, 1, "a cello") == [False]
    assert fires(book, 1, "a violin") == [True]


def test_a_rule_may_apply_to_one_version_of_a_prompt_alone() -> None:
    book = FaultRuleSet([FaultRule(fault=FaultKind.HANG, instructions="word by word")], 1)
    fired = [
        book.fire("word by word", "c", 1, notes=True, instructions=instructions)
        for instructions in ("", "It is compared.", "It is compared word by word.")
    ]
    assert [bool(rule) for rule in fired] == [False, False, True]


def test_the_first_rule_that_fits_fires_and_an_exhausted_one_gives_way() -> None:
    book = FaultRuleSet(
        [FaultRule(fault=FaultKind.HANG, times=1), FaultRule(fault=FaultKind.REFUSAL)], 1
    )
    fired = [book.fire("", "c", attempt, notes=False) for attempt in (1, 2)]
    assert [rule and rule.fault for rule in fired] == [FaultKind.HANG, FaultKind.REFUSAL]


@pytest.mark.parametrize("fault", sorted(NOTE_FAULTS))
def test_notes_are_spoiled_only_where_there_are_any(fault: FaultKind) -> None:
    book = FaultRuleSet([FaultRule(fault=fault, times=1)], 1)
    assert book.fire("", "c", 1, notes=False) is None
    assert book.fire("", "c", 2, notes=True)


def test_rates_are_kept_and_do_not_depend_on_order() -> None:
    contents = [str(number) for number in range(2_000)]
    rule = FaultRule(fault=FaultKind.HANG, rate=0.1)
    forward, backward = FaultRuleSet([rule], 1), FaultRuleSet([rule], 1)
    hit = {one for one in contents if forward.fire("", one, 1, notes=True)}
    assert hit == {one for one in reversed(contents) if backward.fire("", one, 1, notes=True)}
    assert 150 < len(hit) < 250
    assert any(FaultRuleSet([rule], 1).fire("", one, 2, notes=True) is None for one in hit)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([{"fault": "explode"}], r"rules: 0\.fault"),
        ([{"fault": "hang", "rate": 2}], r"rules: 0\.rate"),
        ([{"fault": "hang"}, {"fault": "slow", "tines": 1}], r"rules: 1\.tines"),
        ([{"fault": "hang", "status": 503}], "`status` belongs to server_error"),
        (
            [{"fault": "hang", "name": "a"}, {"fault": "slow", "name": "a"}],
            "two rules are called a",
        ),
        ([{"fault": "rate_limit", "retry_after": 1e300}], r"rules: 0\.retry_after"),
        ("hang", "rules: the whole"),
    ],
)
def test_refuses_rules_that_make_no_sense(document: Any, complaint: str) -> None:
    with pytest.raises(FaultRulesError, match=complaint):
        parse_fault_rules(document)


@pytest.mark.parametrize(
    "text", ["- {fault: hang, times: 1}", '{"rules": [{"fault": "hang", "times": 1}]}']
)
def test_reads_rules_from_yaml_and_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules"
    path.write_text(text, encoding="utf-8")
    assert load_fault_rules(path) == (FaultRule(fault=FaultKind.HANG, times=1),)


@pytest.mark.parametrize("content", [b"- {fault: [", b"\xff\xfe\x00", b"rules: 3"])
def test_names_the_file_when_its_rules_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(FaultRulesError, match=r"rules\.yaml") as raised:
        load_fault_rules(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["0.2", "lognormal:0.3,0.5", "uniform:0.1,0.4"])
def test_latencies_are_drawn_around_what_was_asked_for(text: str) -> None:
    latency = LatencyDistribution.parse(text)
    drawn = sorted(latency.sample(Random(seed)) for seed in range(501))
    assert str(latency) == text
    assert drawn[0] > 0
    assert drawn[250] == pytest.approx({"0": 0.2, "l": 0.3, "u": 0.25}[text[0]], rel=0.1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "-1",
        "uniform:2,1",
        "lognormal:1",
        "nan",
        "0.1,0.2",
        "lognormal:1,99",
        "pareto:1,0",
    ],
)
def test_refuses_latencies_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match="latency"):
        SimulatorSettings(latency=text)


@pytest.mark.parametrize(
    "content",
    [
        '{"segments": [{"number": 1, "text": "a"}]}',
        'Here it is:\n```json\n{"segments": [{"number": 1, "text": "a", "new": 2}]}\n``` Thanks!',
        [{"type": "text", "text": '{"segments": [{"number": 1, "text": "a"}], "context": []}'}],
    ],
)
def test_finds_the_passage_whatever_surrounds_it(content: Any) -> None:
    found = parse_notes_prompt(
        [{"role": "system", "content": "{}"}, {"role": "user", "content": content}]
    )
    assert found
    assert found.segments[0].text == "a"


@pytest.mark.parametrize("content", [None, 3, "Hello", "{", '{"a": 1}', "[1]", "{" * 100_000])
def test_finds_no_passage_where_there_is_none(content: Any) -> None:
    assert parse_notes_prompt([{"role": "user", "content": content}, "odd"]) is None
