"""Texts of turns in JSON that are no plain strings: parts, objects, pieces of pages, pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any, Final

from transcripts.speakers.label_kinds import LabelKind, classify_label, is_capitalised
from transcripts.vendors.words import filter_objects, is_object_list

_INNER_KEYS: Final = ("text", "content", "value", "plain", "body")
_PAGE: Final = re.compile(r"\s*<(p|div|span)\b[^<>]*>.*</\1>\s*", re.DOTALL)
_BREAK: Final = re.compile(r"<br\s*/?>|</(?:p|div|li)>")
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_ASKED: Final = ("question", "prompt", "q")
_ANSWERED: Final = ("answer", "response", "a")


def join_text(value: Any) -> Any:
    """Join a JSON list of strings and objects into one text; other values stay unchanged.

    Chats write what has a link or bold words in it as ``["See ", {"type": "bold", "text": "me"}]``.
    """
    if isinstance(value, dict):
        return next((value[key] for key in _INNER_KEYS if isinstance(value.get(key), str)), value)
    if not isinstance(value, list) or not any(isinstance(one, str) for one in value):
        return value
    texts = [join_text(one) for one in value]
    return "".join(texts) if all(isinstance(one, str) for one in texts) else value


def strip_html_tags(text: str) -> str:
    """Remove HTML tags from a text, if it looks like HTML."""
    if text.lstrip()[:1] != "<" or _PAGE.fullmatch(text) is None:
        return text
    return unescape(_TAG.sub("", _BREAK.sub(" ", text))).strip()


def convert_question_answer_pairs_to_turns(
    pairs: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Convert JSON question-and-answer pairs to two turns each; [] if there are no pairs."""
    if not pairs or not _pair_keys(pairs[0]):
        return []
    keys = [_pair_keys(one) for one in pairs]
    if not all(keys):
        return []
    return [
        {"speaker": key.capitalize(), "text": one[key]}
        for one, pair in zip(pairs, keys, strict=True)
        for key in pair
    ]


def _pair_keys(one: Mapping[str, Any]) -> tuple[str, ...]:
    asked = next((key for key in _ASKED if isinstance(one.get(key), str)), "")
    answered = next((key for key in _ANSWERED if isinstance(one.get(key), str)), "")
    return (asked, answered) if asked and answered else ()


def convert_lists_by_speaker_to_turns(document: Any) -> list[dict[str, Any]]:
    """Convert JSON with one list of turns per speaker to a single list of turns.

    ``{"Ada": [{"start": 1, "text": "Where?"}], "Bo": [{"start": 2, "text": "Here."}]}``; [] if it
    is none, or if the turns have no ``start`` to put them in order.
    """
    if not isinstance(document, dict) or not 1 < len(document) <= 20:  # noqa: PLR2004 - speakers
        return []
    if not all(map(_is_speaker, document)) or not all(map(is_object_list, document.values())):
        return []
    turns = [
        one | {"speaker": name} for name, said in document.items() for one in filter_objects(said)
    ]
    if any("speaker" in one for said in document.values() for one in filter_objects(said)):
        return []
    if not all(
        isinstance(one.get("start"), int | float) and isinstance(one.get("text"), str)
        for one in turns
    ):
        return []
    return sorted(turns, key=lambda one: float(one["start"]))


def convert_parallel_lists_to_turns(document: Any) -> list[dict[str, Any]]:
    """Convert JSON with parallel lists of texts, speakers and times to a list of turns.

    ``{"speaker": ["Ada", "Bo"], "text": ["Where?", "Here."]}``, or the same with an object of
    numbered values for each, as pandas writes tables; [] if it is none.
    """
    if not isinstance(document, dict) or len(document) < 2:  # noqa: PLR2004 - who and what
        return []
    columns = {
        key: list(value.values()) if isinstance(value, dict) else value
        for key, value in document.items()
        if isinstance(value, list)
        or (isinstance(value, dict) and value and all(map(str.isdecimal, value)))
    }
    columns = {
        key: cells
        for key, cells in columns.items()
        if cells and all(isinstance(one, str | int | float) or one is None for one in cells)
    }
    if len(columns) < 2 or len({len(cells) for cells in columns.values()}) > 1:  # noqa: PLR2004
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def convert_name_text_pairs_to_turns(listed: Any) -> list[dict[str, Any]]:
    """Convert a JSON list of pairs such as ``["Ada", "Where?"]`` to turns; [] if it is none."""
    if not isinstance(listed, list) or not all(
        isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one)  # noqa: PLR2004 - a pair
        for one in listed
    ):
        return []
    names = {one[0] for one in listed}
    if len(names) < 2 or len(names) == len(listed) or not any(map(_is_speaker, names)):  # noqa: PLR2004
        return []
    if not all(map(is_capitalised, names)):
        return []
    return [{"speaker": name, "text": said} for name, said in listed]


def _is_speaker(key: str) -> bool:
    return classify_label(key) in {LabelKind.NAME, LabelKind.ROLE}


def iter_values_under_key(document: Any, key: str, depth: int) -> Iterator[str | int]:
    """Yield the texts and whole numbers under a key anywhere in a JSON document."""
    if depth == 0:
        return
    if isinstance(document, dict):
        value = document.get(key)
        if isinstance(value, str | int) and value != "":
            yield value
        for inner in document.values():
            yield from iter_values_under_key(inner, key, depth - 1)
    elif isinstance(document, list):
        for inner in document:
            yield from iter_values_under_key(inner, key, depth - 1)


def iter_texts_under_key(document: Any, key: str, depth: int) -> Iterator[str]:
    """Yield the texts under a key anywhere in a JSON document, down to ``depth`` levels."""
    if depth == 0:
        return
    if isinstance(document, dict):
        if isinstance(text := document.get(key), str) and text.strip():
            yield text
        for value in document.values():
            yield from iter_texts_under_key(value, key, depth - 1)
    elif isinstance(document, list):
        for value in document:
            yield from iter_texts_under_key(value, key, depth - 1)
