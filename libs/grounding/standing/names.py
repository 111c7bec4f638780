"""Find the speakers whom a statement names: by a label, a part of one, or a role."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from grounding.standing.speech import merge_phrase_tokens
from grounding.standing.tokens import Token, split_tokens
from grounding.text.words import parse_word_list

PARTICIPANT: Final = "@participant"
INTERVIEWER: Final = "@interviewer"
_ROLE_NOUNS: Final = {
    **dict.fromkeys(
        parse_word_list("participant interviewee respondent speaker narrator informant"),
        PARTICIPANT,
    ),
    "interviewer": INTERVIEWER,
}
_TITLES: Final = parse_word_list(
    "mr mrs ms miss dr doctor professor councillor councilor nurse captain sister father hon"
)
"""Forms of address that a statement may put before a name."""
_NOT_NAMES: Final = _TITLES | parse_word_list(
    """the of and speaker participant interviewer interviewee unknown guest host manager project
    designer marketing user interface industrial phd grad postdoc right honourable honorable"""
)
_JOBS: Final = parse_word_list("designer expert specialist")
"""Nouns that a statement may put behind a label that is a field of work: "Marketing expert"."""
_FIELDS: Final = parse_word_list("marketing interface design")
_SHORTEST_NAME: Final = 3
_LONGEST_PART: Final = 4
_LONGEST_LABEL: Final = 8
"""Words of a label up to which parts of several words are looked for."""
_ADDENDUM: Final = re.compile(r"\s*\([^()]*\)\s*$")


def is_speaker_placeholder(text: str) -> bool:
    """Return whether a word of a claim is the placeholder of a speaker's name or role."""
    return text.startswith("@")


@lru_cache(maxsize=16)
def unify_speaker_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Remove additions in brackets from speakers' labels that also occur without them.

    Minutes introduce a speaker as "Ida Stone (Member for Leeds)" and go on with "Ida Stone". Two
    labels that differ in what stands in brackets stay two.
    """
    plain = [_ADDENDUM.sub("", label) for label in labels]
    counts = Counter(plain)
    known = {*labels}
    return tuple(
        name if name in known and counts[name] <= 2 else label  # noqa: PLR2004 - itself, and one
        for label, name in zip(labels, plain, strict=True)
    )


def replace_names_by_placeholders(tokens: Sequence[Token], labels: Sequence[str]) -> list[Token]:
    """Replace speakers' names in a statement's words by placeholders.

    Args:
        tokens: the statement's tokens.
        labels: the labels of all who speak.

    Returns:
        The tokens; one that names a speaker has as its text ``@`` and the label's index, or
        `PARTICIPANT` or `INTERVIEWER`.
    """
    names = _index_names(tuple(labels))
    marked: list[Token] = []
    at = 0
    while at < len(tokens):
        length, mark = _find_name(tokens, at, names)
        if mark and _is_job_of(tokens, at + length, mark, labels):
            length += 1
        last = tokens[at + length - 1]
        one = tokens[at]._replace(text=mark, end=last.end) if mark else tokens[at]
        if mark and marked and _is_title_of(marked[-1].text, mark, labels):
            title = marked.pop()
            one = one._replace(gap=title.gap, start=title.start)
        if mark and marked and marked[-1].text == "the":
            article = marked.pop()
            one = one._replace(gap=article.gap, start=article.start)
        marked.append(one)
        at += length
    return marked


def _is_title_of(text: str, mark: str, labels: Sequence[str]) -> bool:
    """Return whether a form of address before a name is its label's, or its label has none."""
    number = mark[1:]
    if text not in _TITLES or not number.isdigit():
        return False
    titles = {*_split_label(labels[int(number)])} & _TITLES
    return not titles or text in titles


def _is_job_of(tokens: Sequence[Token], at: int, mark: str, labels: Sequence[str]) -> bool:
    """Return whether "designer" behind "User Interface" says the job of a label's field of work."""
    number = mark[1:]
    if not number.isdigit() or at >= len(tokens) or tokens[at].text not in _JOBS:
        return False
    label = _split_label(labels[int(number)])
    return label[-1:] != () and label[-1] in _FIELDS


@lru_cache(maxsize=16)
def _index_names(labels: tuple[str, ...]) -> dict[str, list[tuple[tuple[str, ...], str, bool]]]:
    """Return names with their marks and whether they are whole labels, by first word.

    The longest come first. Cached for the notes of a chunk, which may have thousands of labels.
    """
    wholes: dict[tuple[str, ...], str] = {}
    for number, label in enumerate(labels):
        wholes.setdefault(_split_label(label), f"@{number}")
    wholes.pop((), None)
    names: defaultdict[str, list[tuple[tuple[str, ...], str, bool]]] = defaultdict(list)
    for words, mark in sorted(wholes.items(), key=lambda one: -len(one[0])):
        names[words[0]].append((words, mark, True))
    for words, mark in sorted(_list_parts(wholes), key=lambda one: -len(one[0])):
        names[words[0]].append((words, mark, words in wholes))
    return dict(names)


def _split_label(label: str) -> tuple[str, ...]:
    return tuple(one.text for one in merge_phrase_tokens(split_tokens(label)))


def _list_parts(wholes: dict[tuple[str, ...], str]) -> list[tuple[tuple[str, ...], str]]:
    """Return first, last and several names that only one label has."""
    counts = Counter(part for words in wholes for part in {*_iter_parts(words)})
    return [
        (part, mark)
        for words, mark in wholes.items()
        for part in _iter_parts(words)
        if len(words) > len(part) and counts[part] == 1 and _is_name(part)
    ]


def _iter_parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    longest = _LONGEST_PART if len(words) <= _LONGEST_LABEL else 1
    for length in range(1, longest + 1):
        for at in range(len(words) - length + 1):
            yield words[at : at + length]


def _is_name(part: tuple[str, ...]) -> bool:
    return all(
        len(word) >= _SHORTEST_NAME and word.isalpha() and word not in _NOT_NAMES for word in part
    )


def _find_name(
    tokens: Sequence[Token],
    at: int,
    names: Mapping[str, list[tuple[tuple[str, ...], str, bool]]],
) -> tuple[int, str]:
    """Return how many tokens a name at a place has, and its mark; 1 and "" if there is none."""
    is_after_article = at > 0 and tokens[at - 1].text == "the"
    for name, mark, is_whole in names.get(tokens[at].text, ()):
        run = tokens[at : at + len(name)]
        if tuple(one.text for one in run) != name:
            continue
        if any(one.is_capital for one in run) or (is_after_article and is_whole):
            return len(name), mark
    return 1, _ROLE_NOUNS.get(tokens[at].text, "") if is_after_article else ""
