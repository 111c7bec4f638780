"""Reading labelled pairs: both forms of a file, turns of given files, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.errors import InputError
from evaluation.grounding.pairs import FALSE_KIND, TRUE_KIND, read_pairs

PAIR = {"doc": "Ann: What is it?\nBob: It rains.", "summary": "Bob says it rains.", "label": 1}
ON_SOURCE = {"source": "m.json", "first": 0, "last": 1, "summary": "It rains.", "label": 0}
TURNS = [
    {"speaker": "PhD D", "content": "It rains ."},
    {"speaker": "Grad C", "content": "{}"},
    {"speaker": "PhD D", "content": "Still ."},
]
TABLE = [
    "Line\tSpkr\tStTime\tContent\tEnTime",
    "1\tATL_int_01\t0.1\tWhere was it?\t0.4",
    "2\tATL_f_01\t0.5\tIt was\t0.7",
    "3\tATL_f_01\t0.7\t(pause 0.28)\t0.9",
    "4\tATL_f_01\t0.9\tin the South.\t1.2",
    "5\tATL_int_01\t1.3\t/??/\t1.4",
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "m.json").write_text(json.dumps({"meeting_transcripts": TURNS}))
    (folder / "t.txt").write_text("\n".join(TABLE) + "\n")
    (folder / "odd.json").write_text('{"turns": []}')
    return folder


def _write(tmp_path: Path, *pairs: dict[str, Any]) -> Path:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in pairs))
    return file


def test_a_pair_is_a_note_that_cites_every_turn_of_its_document(tmp_path: Path) -> None:
    [pair] = read_pairs(_write(tmp_path, PAIR), tmp_path).pairs
    assert [(one.speaker, one.text) for one in pair.chunk.segments] == [
        ("Ann", "What is it?"),
        ("Bob", "It rains."),
    ]
    assert [one.segment for one in pair.draft.evidence] == [1, 2]
    assert pair.draft.statement == "Bob says it rains."
    assert pair.is_true


def test_an_array_and_lines_with_empty_ones_among_them_hold_the_same_pairs(tmp_path: Path) -> None:
    pairs = [PAIR, PAIR | {"label": 0, "kind": "number"}]
    lines, array = tmp_path / "lines.jsonl", tmp_path / "array.json"
    lines.write_text("\n" + "\r\n\n".join(json.dumps(one) for one in pairs))
    array.write_text(json.dumps(pairs, indent=2))
    of_lines, of_array = read_pairs(lines, tmp_path).pairs, read_pairs(array, tmp_path).pairs
    assert [one.draft for one in of_lines] == [one.draft for one in of_array]
    assert [one.place for one in of_lines] == ["line 2", "line 4"]
    assert [one.place for one in of_array] == ["pair 1", "pair 2"]


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"kind": "number"}, ("number",)),
        ({"edit_types": ["name", "time", "name"]}, ("name", "time")),
        ({"edit_types": "name"}, ("name",)),
        ({"kind": ["name", "time"]}, ("name", "time")),
        ({"kind": None, "edit_types": ["name"]}, ("name",)),
        ({"edit_types": None}, (TRUE_KIND,)),
        ({"edit_types": [], "label": 0}, (FALSE_KIND,)),
        ({"label": True}, (TRUE_KIND,)),
    ],
)
def test_the_kind_is_one_word_or_several_or_not_given(
    tmp_path: Path, fields: dict[str, Any], kinds: tuple[str, ...]
) -> None:
    assert read_pairs(_write(tmp_path, PAIR | fields), tmp_path).pairs[0].kinds == kinds


def test_turns_of_a_meeting_are_counted_from_0_and_those_without_words_left_out(
    tmp_path: Path, data: Path
) -> None:
    [pair] = read_pairs(_write(tmp_path, ON_SOURCE | {"last": 2}), data).pairs
    assert [(one.speaker, one.text) for one in pair.chunk.segments] == [
        ("PhD D", "It rains ."),
        ("PhD D", "Still ."),
    ]


def test_utterances_of_a_table_are_counted_by_line_and_one_speakers_are_one_turn(
    tmp_path: Path, data: Path
) -> None:
    file = _write(tmp_path, ON_SOURCE | {"source": "t.txt", "first": 2, "last": 6})
    [pair] = read_pairs(file, data).pairs
    assert [(one.speaker, one.text) for one in pair.chunk.segments] == [
        ("ATL_int_01", "Where was it?"),
        ("ATL_f_01", "It was in the South."),
    ]


def test_pairs_on_files_that_are_not_there_are_counted(tmp_path: Path, data: Path) -> None:
    absent = ON_SOURCE | {"source": "qmsum/none.json"}
    read = read_pairs(_write(tmp_path, absent, ON_SOURCE, absent), data)
    assert [one.place for one in read.pairs] == ["line 2"]
    assert read.absent == {"qmsum/none.json": 2}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label": 2}, "label is 1 for a summary that is borne out, else 0"),
        ({"label": "1"}, "label is 1"),
        ({"label": None}, "label is 1"),
        ({"doc": ""}, "doc is a text, and not empty"),
        ({"doc": "Ann: …"}, "doc has no words"),
        ({"doc": 7}, "doc is a text"),
        ({"summary": " "}, "summary is a text, and not empty"),
        ({"summary": "…"}, "summary has no words"),
        ({"summary": "a " * 2_000}, "statement: String should have at most 2000 characters"),
        ({"summary": "rain\u0000"}, "statement: "),
        ({"kind": 3}, "kind and edit_types are a word or a list of words"),
        ({"kind": {"number": 1}}, "a word or a list of words"),
        ({"edit_types": ["name", 4]}, "a word or a list of words"),
        ({"source": "m.json"}, "doc, or source with first and last"),
    ],
)
def test_a_pair_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    file = _write(tmp_path, PAIR, PAIR | fields)
    with pytest.raises(InputError) as refused:
        read_pairs(file, tmp_path)
    assert str(refused.value).startswith(f"{file}: line 2: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"first": 1, "last": 3}, "m.json has turns 0 to 2, not 1 to 3"),
        ({"first": -1}, "m.json has turns 0 to 2, not -1 to 1"),
        ({"first": 1, "last": 0}, "first is behind last: 1 > 0"),
        ({"first": 1, "last": 1}, "nobody speaks in 1 to 1 of m.json"),
        ({"first": "0"}, "first is a whole number"),
        ({"last": None}, "last is a whole number"),
        ({"last": True}, "last is a whole number"),
        ({"source": "t.txt", "first": 1, "last": 2}, "utterances in lines 2 to 6, not 1 to 2"),
        ({"source": "t.txt", "first": 2, "last": 7}, "utterances in lines 2 to 6, not 2 to 7"),
        ({"source": "t.txt", "first": 4, "last": 4}, "lines 4 to 4 of t.txt: "),
        ({"source": "odd.json"}, "odd.json is no meeting in QMSum's form"),
        ({"source": "../data/m.json"}, "is not in the folder of data"),
        ({"source": "/etc/hosts"}, "is not in the folder of data"),
    ],
)
def test_turns_that_a_given_file_does_not_have_are_refused_with_the_pairs_line(
    tmp_path: Path, data: Path, fields: dict[str, Any], message: str
) -> None:
    file = _write(tmp_path, ON_SOURCE, ON_SOURCE | fields)
    with pytest.raises(InputError) as refused:
        read_pairs(file, data)
    assert str(refused.value).startswith(f"{file}: line 2: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("[]", "no pairs"),
        ("\n\n{", "line 3: not JSON: Expecting property name enclosed in double quotes, column 2"),
        ('[{"doc": 1},\n{]', "not JSON: Expecting property name enclosed in double quotes, line 2"),
        ("[1]", "pair 1: a pair is a JSON object"),
        ("null", "line 1: a pair is a JSON object"),
        (json.dumps(ON_SOURCE), "none of their sources"),
        ("[" * 100_000, "JSON that nobody reads"),
        (f'{{"label": {"9" * 5_000}}}', "JSON that nobody reads"),
    ],
)
def test_what_is_no_file_of_pairs_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        read_pairs(file, tmp_path)
    assert str(refused.value).startswith(f"{file}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
