"""Detection of JSON Schema changes that break producers or consumers of the released schema.

A schema is one contract for two sides, so a change can break either:

- what **old producers** send must still validate: nothing becomes required, narrower or tighter;
- what new producers send must still be read by **old consumers**, who ignore fields they do not
  know: nothing they rely on goes away, becomes optional, wider or looser.

What is left is adding optional fields, and changing what only people read. Keywords whose order is
not known here count as breaking when they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, Final

Schema = Mapping[str, Any]
_Within = frozenset[tuple[int, int]]

_FLOORS: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
_CEILINGS: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
_FOR_PEOPLE: Final = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "deprecated"}
)
_COMPARED: Final = frozenset(
    {"type", "anyOf", "oneOf", "properties", "required", "items", "enum", "const", "default"}
)


class AffectedSide(StrEnum):
    """Side that an incompatible schema change breaks: old producers, old consumers or both."""

    OLD_PRODUCERS = "what old producers send may be refused or misread"
    OLD_CONSUMERS = "old consumers may not read what new producers send"
    BOTH = "neither old producers nor old consumers can rely on it"


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """Incompatible difference between two versions of a schema.

    Attributes:
        where: the event and the path in it, such as ``ChunkReady.study.themes[].id``.
        change: what happened, such as ``became required``.
        breaks: whom it breaks.
    """

    where: str
    change: str
    breaks: AffectedSide

    def __str__(self) -> str:
        return f"{self.where}: {self.change} ({self.breaks.value})"


def find_breaking_changes(released: Schema, current: Schema) -> tuple[BreakingChange, ...]:
    """Find incompatible differences between two versions of one event's JSON schema.

    Args:
        released: what producers and consumers out there have.
        current: what they would get.

    Returns:
        What breaks one of them, in the order of the released schema; empty if nothing does.
    """
    where = str(released.get("title", "event"))
    return tuple(_Comparison(released, current).compare(released, current, where, frozenset()))


def find_all_breaking_changes(
    released: Mapping[str, Schema], current: Mapping[str, Schema]
) -> tuple[BreakingChange, ...]:
    """Find incompatible differences between two versions of all events' JSON schemas."""
    findings: list[BreakingChange] = []
    for name, schema in released.items():
        if name in current:
            findings += find_breaking_changes(schema, current[name])
        else:
            findings.append(BreakingChange(name, "was removed", AffectedSide.BOTH))
    return tuple(findings)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Recursive comparison of two documents; each resolves references within itself."""

    released: Schema
    current: Schema

    def compare(
        self, old: Schema, new: Schema, where: str, within: _Within
    ) -> Iterator[BreakingChange]:
        before = _alternatives(_resolve(old, self.released), self.released)
        after = _alternatives(_resolve(new, self.current), self.current)
        for kind in before:
            if not _is_among(kind, after):
                yield BreakingChange(where, f"can no longer be {kind}", AffectedSide.OLD_PRODUCERS)
        for kind in after:
            if not _is_among(kind, before):
                yield BreakingChange(where, f"can now be {kind}", AffectedSide.OLD_CONSUMERS)
        for kind in before:
            if kind in after:
                yield from self._same_kind(before[kind], after[kind], where, within)

    def _same_kind(
        self, old: Schema, new: Schema, where: str, within: _Within
    ) -> Iterator[BreakingChange]:
        pair = (id(old.get("properties")), id(new.get("properties")))
        if "properties" in old and pair not in within:  # else a model that holds itself
            yield from self._properties(old, new, where, within | {pair})
        if "items" in old or "items" in new:
            items = old.get("items", {}), new.get("items", {})
            yield from self.compare(*items, f"{where}[]", within)
        yield from _values(old, new, where)
        for keyword in sorted({*old, *new} - _FOR_PEOPLE - _COMPARED):
            yield from _keyword(keyword, old.get(keyword), new.get(keyword), where)

    def _properties(
        self, old: Schema, new: Schema, where: str, within: _Within
    ) -> Iterator[BreakingChange]:
        before, after = old["properties"], new.get("properties", {})
        required = set(new.get("required", ()))
        for name in before:
            path = f"{where}.{name}"
            if name not in after:
                yield BreakingChange(path, "was removed", AffectedSide.OLD_CONSUMERS)
                continue
            yield from _presence(name in old.get("required", ()), name in required, path)
            yield from _default(before[name], after[name], path)
            yield from self.compare(before[name], after[name], path, within)
        for name in after:
            if name in required and name not in before:
                yield BreakingChange(
                    f"{where}.{name}", "was added as required", AffectedSide.OLD_PRODUCERS
                )


def _is_among(kind: str, kinds: Mapping[str, Schema]) -> bool:
    wider = {"number", "anything"} if kind == "integer" else {"anything"}
    return kind in kinds or not wider.isdisjoint(kinds)


def _presence(was_required: bool, is_required: bool, where: str) -> Iterator[BreakingChange]:  # noqa: FBT001 - before and after, in that order
    if is_required and not was_required:
        yield BreakingChange(where, "became required", AffectedSide.OLD_PRODUCERS)
    if was_required and not is_required:
        yield BreakingChange(where, "became optional", AffectedSide.OLD_CONSUMERS)


def _default(old: Schema, new: Schema, where: str) -> Iterator[BreakingChange]:
    both = "default" in old and "default" in new
    if both and _without_added(new["default"], old["default"]) != old["default"]:
        change = f"means {new['default']!r} instead of {old['default']!r} when left out"
        yield BreakingChange(where, change, AffectedSide.BOTH)


def _without_added(new: object, old: object) -> object:
    """Return a default without fields added since; whether those may be is compared by itself."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {name: value for name, value in new.items() if name in old}
    return new


def _values(old: Schema, new: Schema, where: str) -> Iterator[BreakingChange]:
    before, after = _listed(old), _listed(new)
    if before is None and after is not None:
        yield BreakingChange(where, "was limited to listed values", AffectedSide.OLD_PRODUCERS)
    elif before is not None and after is None:
        yield BreakingChange(
            where, "is no longer limited to listed values", AffectedSide.OLD_CONSUMERS
        )
    elif before is not None and after is not None:
        for value in (one for one in before if one not in after):
            yield BreakingChange(where, f"no longer takes {value!r}", AffectedSide.OLD_PRODUCERS)
        for value in (one for one in after if one not in before):
            yield BreakingChange(where, f"now takes {value!r}", AffectedSide.OLD_CONSUMERS)


def _listed(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _keyword(keyword: str, old: Any, new: Any, where: str) -> Iterator[BreakingChange]:
    if old == new:
        return
    change = f"{keyword} changed from {_shown(old)} to {_shown(new)}"
    yield BreakingChange(where, change, _side(keyword, old, new))


def _side(keyword: str, old: Any, new: Any) -> AffectedSide:
    if keyword in _FLOORS:
        tighter = (-inf if new is None else new) > (-inf if old is None else old)
    elif keyword in _CEILINGS:
        tighter = (inf if new is None else new) < (inf if old is None else old)
    elif old is None or new is None:
        tighter = old is None  # a keyword can only restrict: its absence allows more
    else:
        return AffectedSide.BOTH
    return AffectedSide.OLD_PRODUCERS if tighter else AffectedSide.OLD_CONSUMERS


def _shown(value: Any) -> str:
    return "none" if value is None else repr(value)


def _resolve(schema: Schema, document: Schema) -> Schema:
    """Replace a reference by its target, merged with the keywords beside the reference."""
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **{key: schema[key] for key in schema if key != "$ref"}}
    return schema


def _alternatives(schema: Schema, document: Schema) -> dict[str, Schema]:
    """Return the JSON types a schema accepts, each with the part of the schema that is about it."""
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches is None:
        kinds = schema.get("type", "anything")
        return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)
    found: dict[str, Schema] = {}
    for branch in branches:
        for kind, one in _alternatives(_resolve(branch, document), document).items():
            if kind in found:  # for example several objects: distinguished by position
                found[f"{kind} ({len(found) + 1})"] = one
            else:
                found[kind] = one
    return found
