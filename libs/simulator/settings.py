"""The simulator's settings, and the files they and its fault rules come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from simulator.answers import CHARACTERS_PER_TOKEN
from simulator.faults import FaultRule
from simulator.outages import Outage
from simulator.profiles import Behaviour

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Longest body of a request, to the models or to the simulator itself."""


class SettingsError(ValueError):
    """Settings that cannot be read or make no sense; the message is one line."""


class RulesError(SettingsError):
    """Fault rules that cannot be read or make no sense."""


def _named_once(rules: tuple[FaultRule, ...]) -> tuple[FaultRule, ...]:
    names = [rule.name for rule in rules if rule.name]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two rules are called {min(twice)}")
    return rules


Rules = Annotated[tuple[FaultRule, ...], AfterValidator(_named_once)]


class SimulatorSettings(Behaviour):
    """What a simulator is to do; a model is like this where its own settings say nothing else."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    seed: int = Field(0, description="Decides ties, faults by rate, and waiting times.")
    rules: Rules = Field((), description="What goes wrong, first match first.")
    outages: tuple[Outage, ...] = Field((), description="When nobody is served.")
    context_characters: int = Field(
        400_000, ge=1, description="Context of models that have no `context_tokens`: 100k tokens."
    )
    model: str = Field(
        "simulated-notes", min_length=1, description="What `/v1/models` lists without `models`."
    )
    models: dict[str, Behaviour] = Field(
        default_factory=dict, description="The models there are; without any, every name is one."
    )

    @property
    def context_tokens_by_default(self) -> int:
        """The context of a model that has no ``context_tokens``."""
        return max(1, self.context_characters // CHARACTERS_PER_TOKEN)

    def behaviour_of(self, model: str) -> Behaviour:
        """What a model is like: its own settings over those for all."""
        common = Behaviour().with_changes(self)
        return common.with_changes(self.models.get(model, Behaviour()))


_RULES: TypeAdapter[tuple[FaultRule, ...]] = TypeAdapter(Rules)
_OUTAGES: TypeAdapter[tuple[Outage, ...]] = TypeAdapter(tuple[Outage, ...])


def parse_rules(document: Any) -> tuple[FaultRule, ...]:
    """Check a list of rules, or a mapping that has it under ``rules``.

    Raises:
        RulesError: names the first thing that is wrong, and where.
    """
    try:
        return _RULES.validate_python(_listed(document, "rules"))
    except ValidationError as error:
        raise RulesError(f"rules: {first_complaint(error)}") from None


def parse_outages(document: Any) -> tuple[Outage, ...]:
    """Check a list of outages, or a mapping that has it under ``outages``.

    Raises:
        SettingsError: names the first thing that is wrong, and where.
    """
    try:
        return _OUTAGES.validate_python(_listed(document, "outages"))
    except ValidationError as error:
        raise SettingsError(f"outages: {first_complaint(error)}") from None


def load_rules(path: Path) -> tuple[FaultRule, ...]:
    """Read fault rules from a YAML or JSON file.

    Raises:
        RulesError: the file cannot be read, is neither, or holds something else than rules.
    """
    try:
        return parse_rules(_read(path))
    except RulesError as error:
        raise RulesError(f"{path}: {error}") from None
    except SettingsError as error:
        raise RulesError(str(error)) from None


def load_settings(path: Path) -> dict[str, Any]:
    """Read settings from a YAML or JSON file; their names are those of `SimulatorSettings`.

    Returns:
        What the file sets, checked, for others to be put over.

    Raises:
        SettingsError: the file cannot be read, is neither, or holds something else than settings.
    """
    document = _read(path) or {}
    try:
        read = SimulatorSettings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(f"{path}: {first_complaint(error)}") from None
    return {name: getattr(read, name) for name in read.model_fields_set}


def first_complaint(error: ValidationError) -> str:
    """The first thing that is wrong and where, on one line."""
    where, told = first_fault(error)
    return f"{where or 'the whole'}: {told}"


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Where the first fault is, empty for the whole, and what is wrong there."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return where, first["msg"].removeprefix("Value error, ")


def _listed(document: Any, name: str) -> Any:
    listed = document.get(name) if isinstance(document, dict) else document
    return listed if listed is not None else []


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"{path}: no YAML or JSON: {' '.join(str(error).split())}") from None
