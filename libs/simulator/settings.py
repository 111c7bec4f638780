"""The simulator's settings, and the file its fault rules come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from simulator.faults import FaultRule
from simulator.latency import Latency


class RulesError(ValueError):
    """Fault rules that cannot be read or make no sense; the message is one line."""


def _latency(value: Any) -> Any:
    return Latency.parse(str(value)) if isinstance(value, str | int | float) else value


class SimulatorSettings(BaseModel):
    """What a simulator is to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    seed: int = Field(0, description="Decides ties, faults by rate, and waiting times.")
    latency: Annotated[Latency, BeforeValidator(_latency)] = Field(
        default_factory=Latency, description="Seconds, `lognormal:MEDIAN,SIGMA` or `uniform:A,B`."
    )
    rules: tuple[FaultRule, ...] = Field((), description="What goes wrong, first match first.")
    context_characters: int = Field(
        400_000, ge=1, description="The longest prompt taken; the default is about 100k tokens."
    )
    model: str = Field("simulated-notes", min_length=1, description="The model `/models` lists.")


_RULES: TypeAdapter[tuple[FaultRule, ...]] = TypeAdapter(tuple[FaultRule, ...])


def parse_rules(document: Any) -> tuple[FaultRule, ...]:
    """Check a list of rules, or a mapping that has it under ``rules``.

    Raises:
        RulesError: names the first thing that is wrong, and where.
    """
    listed = document.get("rules") if isinstance(document, dict) else document
    try:
        return _RULES.validate_python(listed if listed is not None else [])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise RulesError(f"rules: {where}: {first['msg']}") from None


def load_rules(path: Path) -> tuple[FaultRule, ...]:
    """Read fault rules from a YAML or JSON file.

    Raises:
        RulesError: the file cannot be read, is neither, or holds something else than rules.
    """
    try:
        return parse_rules(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RulesError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: no YAML or JSON: {' '.join(str(error).split())}") from None
    except RulesError as error:
        raise RulesError(f"{path}: {error}") from None
