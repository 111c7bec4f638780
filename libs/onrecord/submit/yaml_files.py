"""YAML parser with limits on size, depth and aliases, for documents that people submit."""

from __future__ import annotations

from typing import Any, Final

import yaml

DEEPEST: Final = 32
"""Most lists and mappings inside one another."""

MAX_NODES: Final = 100_000
"""Most values in a document, in which each alias counts as what it stands for."""


class InvalidYamlError(Exception):
    """Raised when a text is not valid YAML or exceeds the limits; names the line."""


def load_yaml(text: str) -> Any:
    """Parse a YAML text within limits of size, depth and aliases; None if it is empty.

    Raises:
        NotYamlError: it is no YAML, too deep or too large, refers to itself, gives a key twice, or
            has a value that is none, such as a 13th month.
    """
    try:
        _refuse_deep(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None
        _Nodes().count(node)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidYamlError(_place(getattr(error, "problem_mark", None))) from error
    except (ValueError, OverflowError) as error:  # a number or a time that Python has not
        raise InvalidYamlError(": a value in it is no number or no time") from error


def _refuse_deep(text: str) -> None:
    # In events, as what reads whole documents calls itself for every level.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            where = _place(event.start_mark)
            raise InvalidYamlError(
                f"{where}: more than {DEEPEST} lists and groups inside one another"
            )


class _Nodes:
    """Counts nodes with what their aliases stand for, which may be very many in a short text."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def count(self, node: yaml.Node) -> int:
        key = id(node)
        if key in self._open:
            raise InvalidYamlError(f"{_place(node.start_mark)}: it refers to itself")
        if key not in self._sizes:
            self._open.add(key)
            self._sizes[key] = 1 + sum(self.count(child) for child in _children(node))
            self._open.remove(key)
        if self._sizes[key] > MAX_NODES:
            where = _place(node.start_mark)
            raise InvalidYamlError(f"{where}: more than {MAX_NODES:,} values, aliases included")
        return self._sizes[key]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        _refuse_twice(node)
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _refuse_twice(node: yaml.MappingNode) -> None:
    """Of a key that is there twice, only the last one would count, without a word."""
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in seen:
            raise InvalidYamlError(f"{_place(key.start_mark)}: {key.value[:40]!r} is there twice")
        seen.add(key.value)


def _place(mark: Any) -> str:
    return f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
