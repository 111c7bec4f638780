"""Discovery of limits in the code: numeric settings, constants that are bounds, and caches."""

from __future__ import annotations

import ast
import importlib
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from messaging import StageSettings

_ROOT: Final = Path(__file__).resolve().parents[2]
_TOOLS: Final = frozenset({"simulator", "local_model"})
"""Stand-ins for a model, which run beside the system and are no part of it."""

_BOUND_NAME: Final = re.compile(
    r"^(?!LEAST).*?(?<![A-Z])(MAX|MOST|LONGEST|LARGEST|DEEPEST|FARTHEST|LIMIT|BYTES|CHARACTERS|VALUES|WITHIN|TIMEOUT"
    r"|PATIENCE|REMEMBERED|KEPT|AT_ONCE|A_TIME|TELLABLE|UNDER_WAY|CEILING|LOCKS|COMPARED|TRIES"
    r"|LOOKS|TRANSACTIONS|GRACE|LEASE|BATCH$)(_|$)"
)
_BOUND_WORDS: Final = re.compile(r"\b(at (the )?most|longest|largest|how long)\b", re.IGNORECASE)

NO_LIMITS: Final = frozenset(
    {
        "messaging.consumer.decompression._PIECE",
        "messaging.processing.inflight.HEADER_BYTES",
        "messaging.processing.inflight.RECORD_BYTES",
        "messaging.limits._LENGTHS",
        "messaging.limits._WIDEST",
        "messaging.producer.publisher.RECORD_OVERHEAD_BYTES",
        "model_client.limits.circuit_breaker.SILENCE_S",
        "model_client.limits.token_bucket.CREDIT_S",
        "model_client.cache.store.ROW_BYTES",
        "model_client.transport.api_dialect.CHARACTERS_PER_TOKEN",
        "model_client.transport.http_errors.REQUEST_TIMEOUT",
        "onrecord.client.BATCH_OVERHEAD_BYTES",
        "onrecord.pages.rendering.WIDEST",
        "transcripts.doubts.MOST_ODD_TURNS",
        "transcripts.doubts.MOST_UNNAMED",
    }
)
"""Constants that are named or described like bounds, and bound nothing."""

NO_LIMITS_OF_SETTINGS: Final = frozenset(
    {
        "commit_interval_s",
        "http_port",
        "idle_pause_ms",
        "judge_share",
        "outage_pause_s",
        "pool_min_size",
        "retry_wait_s",
        "seed",
        "stop_share",
        "stop_share_of_all",
        "temperature",
    }
)
"""Settings that are numbers, and bound nothing."""


_CACHE: Final = re.compile(
    r"(?:functools\.)?(?P<kind>cache|lru_cache)(?:\((?:maxsize=)?(?P<size>\w*)\))?"
)
_LRU_CACHE_ENTRIES: Final = 128
"""What ``lru_cache`` remembers unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A module's constant.

    Attributes:
        name: module and name, such as ``messaging.limits.MAX_HEADERS``.
        value: a number or a span of time.
        description: the words that stand below it; may be none.
    """

    name: str
    value: Any
    description: str


@dataclass(frozen=True, slots=True)
class Setting:
    """A numeric setting.

    Attributes:
        variable: its name in the environment; ``<SERVICE>_`` stands for every service's prefix.
        field: its name in the code.
        value: its default; None for no limit.
        description: what it is.
    """

    variable: str
    field: str
    value: Any
    description: str


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    tree: ast.Module


@cache
def _modules() -> tuple[_Module, ...]:
    """Return the modules of all libraries and services, parsed and not imported."""
    return tuple(
        _Module(_module_name(path.relative_to(folder)), ast.parse(path.read_text(encoding="utf-8")))
        for folder in (_ROOT / "libs", _ROOT / "services")
        for path in sorted(folder.rglob("*.py"))
        if path.relative_to(folder).parts[0] not in _TOOLS
    )


def _module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def constants(*, left_out: bool = False) -> Iterator[Constant]:
    """Yield the constants whose name or description marks them as a bound.

    Private ones count if they are described: what else is named so there is a threshold of a rule.

    Args:
        left_out: those of ``NO_LIMITS`` instead of the others.
    """
    for module in _modules():
        for target, words in _assigned(module.tree):
            name = f"{module.name}.{target}"
            is_named = _BOUND_NAME.search(target) and (words or not target.startswith("_"))
            is_bound = is_named or _BOUND_WORDS.search(words)
            if is_bound and (name in NO_LIMITS) == left_out:
                value = getattr(importlib.import_module(module.name), target)
                if _is_number(value):
                    yield Constant(name, value, words)


@dataclass(frozen=True, slots=True)
class Cache:
    """A function whose results are cached.

    Attributes:
        name: module and name.
        description: what the function returns.
        entries: most results that are remembered; None for no bound.
        takes_arguments: whether there can be more than one result.
    """

    name: str
    description: str
    entries: int | None
    takes_arguments: bool


def caches() -> Iterator[Cache]:
    """Yield the functions under ``functools.cache`` and ``lru_cache``."""
    for module in _modules():
        for one in ast.walk(module.tree):
            if isinstance(one, ast.FunctionDef):
                name, arguments = f"{module.name}.{one.name}", one.args
                words = (ast.get_docstring(one) or "").partition("\n")[0]
                takes_any = bool(arguments.args or arguments.kwonlyargs or arguments.posonlyargs)
                for decorator in map(ast.unparse, one.decorator_list):
                    if found := _CACHE.fullmatch(decorator):
                        yield Cache(name, words, _entries(found), takes_any)


def _entries(found: re.Match[str]) -> int | None:
    if found["kind"] == "cache" or found["size"] == "None":
        return None
    return int(found["size"] or _LRU_CACHE_ENTRIES)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield constants with the docstring below them, if any."""
    for one, below in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(one, ast.Assign | ast.AnnAssign):
            for name in _names(one):
                yield name, " ".join(_text(below).split())


def _names(line: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in [line.target] if isinstance(line, ast.AnnAssign) else line.targets:
        if isinstance(target, ast.Name) and target.id.isupper():
            yield target.id


def _text(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return str(statement.value.value)
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal | timedelta) and not isinstance(value, bool)


def settings(*, left_out: bool = False) -> Iterator[Setting]:
    """Yield the numeric settings; of a service only those that are its own or differ.

    Args:
        left_out: those of ``NO_LIMITS_OF_SETTINGS`` instead of the others.
    """
    for owner in sorted(_settings_classes(), key=_order):
        for name, one in owner.model_fields.items():
            is_own = owner is StageSettings or _differs(StageSettings.model_fields.get(name), one)
            if is_own and _may_be_number(one) and (name in NO_LIMITS_OF_SETTINGS) == left_out:
                alias = one.validation_alias or one.alias
                variable = str(alias or f"{_prefix(owner)}{name.upper()}")
                yield Setting(variable, name, one.default, str(one.description))


def _differs(of_all: FieldInfo | None, own: FieldInfo) -> bool:
    return of_all is None or of_all.default != own.default


def _settings_classes() -> Iterator[type[BaseSettings]]:
    for module in _modules():
        for one in module.tree.body:
            if isinstance(one, ast.ClassDef):
                bases = {base.id for base in one.bases if isinstance(base, ast.Name)}
                if bases & {"BaseSettings", "StageSettings"}:
                    yield getattr(importlib.import_module(module.name), one.name)


def _order(owner: type[BaseSettings]) -> tuple[bool, str]:
    return owner is not StageSettings, _prefix(owner)


def _prefix(owner: type[BaseSettings]) -> str:
    return "<SERVICE>_" if owner is StageSettings else str(owner.model_config.get("env_prefix", ""))


_NUMBERS: Final = frozenset({int, float, Decimal})


def _may_be_number(one: FieldInfo) -> bool:
    union = typing.get_origin(one.annotation) in {typing.Union, types.UnionType}
    kinds = typing.get_args(one.annotation) if union else (one.annotation,)
    return not _NUMBERS.isdisjoint(kinds)
