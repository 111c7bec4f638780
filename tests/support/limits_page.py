"""Generator of ``docs/limits.md`` from the code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from annotated_types import Le, Lt, MaxLen
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from contracts.topics import EVENT_TOPICS, RETRY_DELAYS_S, build_dlq_topic, build_retry_topic
from support.limits_in_code import caches, constants, settings
from transcripts.limits import LIMITS, TranscriptLimits

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
_MIB: Final = 1024 * 1024
_KIB: Final = 1024
_UNITS: Final = {
    "bytes_per_s": "bytes/s",
    "_per_s": "1/s",
    "_s": "s",
    "_ms": "ms",
    "_mib": "MiB",
    "_mb": "MB",
    "_days": "days",
    "_usd": "USD",
}

_INTRODUCTION: Final = """\
What grows with input is bounded in bytes, number or time. This page is made from the code by
`make contracts`, and a test holds it to it: it has all settings that bound something, and all
constants of services and libraries that are named or described as a bound; the simulator and the
local model, which stand in for an endpoint, are left out. What happens beyond a limit depends on
its kind, unless its line says otherwise:

- **how large a message or an interview may be, and how many parts it may have**: the message is a
  dead letter with a code and a sentence; on the command line, a sentence, and nothing is sent
- **how much is held or worked on at once**: what comes next waits
- **how long work may take, and what an endpoint may answer**: the try fails; the message is tried
  again, a few times, before it is a dead letter
- **how long something is waited for**: the wait ends, and whoever waits goes on or fails
- **how much is remembered, kept or shown**: the oldest is forgotten, or the rest is cut
- **what may be spent or asked** (budgets, `OPENAI_CONTEXT_TOKENS`): the message is a letter that
  waits for a replay"""
_TRANSCRIPTS: Final = "An interview beyond one of these is a dead letter (`too_large`)."
_SETTINGS: Final = """\
Defaults. `<SERVICE>_` stands for `INGESTION_`, `ENRICHMENT_`, `GUARDRAIL_`, `PERSISTENCE_` and
`CONTROL_`; a service whose default differs has a line of its own."""
_TOPICS: Final = """\
The broker refuses a larger batch. A record that its topic does not take makes the message that it
comes of a dead letter (`too_large`)."""
_CONSTANTS: Final = "What is the same everywhere, by library and service."
_CACHES: Final = """\
Results of functions that are remembered in each process; the least recently used go first."""
_EVENTS: Final = (
    "An event that is read with a field beyond its bound is a dead letter (`invalid_event`)."
)


def page() -> str:
    """Return the page for today's code."""
    parts = [
        "# Limits",
        _INTRODUCTION,
        _table("Transcripts", _TRANSCRIPTS, "the most a transcript may have", _transcripts()),
        _table("Settings", _SETTINGS, "variable", _settings()),
        _table("Record batches, by topic", _TOPICS, "topic", _topics()),
        _table("Constants", _CONSTANTS, "constant", _constants()),
        _table("Caches", _CACHES, "function", _caches()),
        _table("Events", _EVENTS, "field", sorted(set(_events()))),
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, about: str, first: str, rows: Any) -> str:
    lines = [f"## {title}", "", about, "", f"| {first} | limit | what it is |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _transcripts() -> Iterator[tuple[str, str, str]]:
    text = _attributes(TranscriptLimits.__doc__ or "")
    for one in fields(LIMITS):
        yield one.name.replace("_", " "), f"{getattr(LIMITS, one.name):,}", text[one.name]


def _attributes(doc: str) -> dict[str, str]:
    lines = (line.strip() for line in doc.partition("Attributes:")[2].splitlines())
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _settings() -> Iterator[tuple[str, str, str]]:
    for one in settings():
        shown = "by the machine" if one.value is PydanticUndefined else _shown(one.value, one.field)
        yield f"`{one.variable}`", shown, one.description


def _topics() -> Iterator[tuple[str, str, str]]:
    text = "bytes of a record batch, compressed"
    for topic in EVENT_TOPICS:
        yield topic.name, _shown(topic.max_message_bytes, "bytes"), text
    last = len(RETRY_DELAYS_S) - 1
    yield (
        f"`<service>-retry-0` … `{last}`",
        _shown(build_retry_topic("any", last).max_message_bytes, "bytes"),
        text,
    )
    yield "`<service>-dlq`", _shown(build_dlq_topic("any").max_message_bytes, "bytes"), text


def _constants() -> Iterator[tuple[str, str, str]]:
    for one in constants():
        yield f"`{one.name}`", _shown(one.value, one.name), one.description


def _caches() -> Iterator[tuple[str, str, str]]:
    for one in caches():
        if one.entries is not None:
            yield f"`{one.name}`", f"{one.entries:,}", one.description


def _events() -> Iterator[tuple[str, str, str]]:
    for topic in EVENT_TOPICS:
        if topic.event is not None:
            yield from _of_model(topic.event, set())


def _of_model(model: type[BaseModel], seen: set[type]) -> Iterator[tuple[str, str, str]]:
    if model in seen:
        return
    seen.add(model)
    for name, one in model.model_fields.items():
        for bound in one.metadata:
            if isinstance(bound, MaxLen):
                unit = "characters" if one.annotation is str else "items"
                yield (
                    f"`{model.__name__}.{name}`",
                    f"{bound.max_length:,} {unit}",
                    str(one.description),
                )
            elif isinstance(bound, Le | Lt):
                most = bound.le if isinstance(bound, Le) else bound.lt
                yield f"`{model.__name__}.{name}`", f"{most}", str(one.description)
        for inner in _models_in(one.annotation):
            yield from _of_model(inner, seen)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


def _shown(value: Any, name: str) -> str:
    """Return a value with its unit, which the end of its name decides."""
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g} s"
    for ending, unit in _UNITS.items():
        if name.lower().endswith(ending):
            return f"{value:,.15g} {unit}"
    if "bytes" in name.lower() or "unpacked" in name.lower():
        for unit, size in (("MiB", _MIB), ("KiB", _KIB)):
            if value >= size and value % size == 0:
                return f"{value // size} {unit}"
    return f"{value:,.17g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
