"""Writes ``docs/limits.md`` from the code, for ``make contracts``."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from annotated_types import Le, Lt, MaxLen
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from contracts.topics import EVENT_TOPICS
from guardrail.settings import GuardrailSettings
from ingestion.settings import IngestionSettings
from messaging import KafkaSettings, StageSettings
from transcripts.limits import LIMITS, TranscriptLimits

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "limits.md"
_MIB: Final = 1024 * 1024
_KIB: Final = 1024
_BOUND: Final = re.compile(
    r"(^|_)(max|most|bytes|mib|timeout|cpu|deadline|window|ceiling|within)(_|$)"
)
_MODULES: Final = ("messaging.limits", "ingestion.readers", "contracts.characters", "control.api")
_INTRODUCTION: Final = """\
What grows with input is bounded in bytes, number or time. This page is made from the code by
`make contracts`, and a test holds it to it. What is beyond a limit is a dead letter with a code and
a sentence, unless a line says otherwise."""
_SETTINGS: Final = (
    (KafkaSettings, "KAFKA_"),
    (StageSettings, "<SERVICE>_"),
    (IngestionSettings, "INGESTION_"),
    (GuardrailSettings, "GUARDRAIL_"),
)


def page() -> str:
    """The page as the code has it today."""
    parts = [
        "# Limits",
        _INTRODUCTION,
        _table("Transcripts", "the most a transcript may have", _transcripts()),
        _table("Settings", "variable", _settings()),
        _table("Record batches, by topic", "topic", _topics()),
        _table("Constants", "constant", _constants()),
        _table("Events", "field", sorted(set(_events()))),
    ]
    return "\n\n".join(parts) + "\n"


def _table(title: str, first: str, rows: Any) -> str:
    lines = [f"## {title}", "", f"| {first} | limit | what it is |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _transcripts() -> Iterator[tuple[str, str, str]]:
    said = _attributes(TranscriptLimits.__doc__ or "")
    for one in fields(LIMITS):
        yield one.name.replace("_", " "), f"{getattr(LIMITS, one.name):,}", said[one.name]


def _attributes(doc: str) -> dict[str, str]:
    lines = (line.strip() for line in doc.partition("Attributes:")[2].splitlines())
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _settings() -> Iterator[tuple[str, str, str]]:
    of_all = {one.description for one in StageSettings.model_fields.values()}
    for settings, prefix in _SETTINGS:
        for name, one in _fields(settings):
            if settings in {StageSettings, KafkaSettings} or one.description not in of_all:
                yield f"`{prefix}{name.upper()}`", _shown(one.default), str(one.description)


def _fields(settings: type[BaseSettings]) -> Iterator[tuple[str, Any]]:
    for name, one in settings.model_fields.items():
        if _BOUND.search(name) and isinstance(one.default, int | float):
            yield name, one


def _topics() -> Iterator[tuple[str, str, str]]:
    for topic in EVENT_TOPICS:
        yield topic.name, _shown(topic.max_message_bytes), "bytes of a record batch, compressed"


def _constants() -> Iterator[tuple[str, str, str]]:
    for name in _MODULES:
        module = importlib.import_module(name)
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for target, said in _documented(tree):
            value = getattr(module, target)
            if isinstance(value, int | float) and not target.startswith("_"):
                yield f"`{name}.{target}`", _shown(value), said


def _documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Constants that a string describes, with its words."""
    for one, after in zip(tree.body, tree.body[1:], strict=False):
        if not isinstance(one, ast.AnnAssign) or not isinstance(after, ast.Expr):
            continue
        if isinstance(after.value, ast.Constant):
            yield ast.unparse(one.target), " ".join(str(after.value.value).split())


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


def _shown(value: float) -> str:
    for unit, size in (("MiB", _MIB), ("KiB", _KIB)):
        if isinstance(value, int) and value >= size and value % size == 0:
            return f"{value // size} {unit}"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
