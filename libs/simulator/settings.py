"""Settings of the simulator, and the files that they and its fault rules come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from simulator.answers import CHARACTERS_PER_TOKEN
from simulator.faults import FaultRule
from simulator.outages import Outage
from simulator.profiles import ModelBehaviour

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Longest body of a request, to the models or to the simulator itself."""


class SimulatorSettingsError(ValueError):
    """Raised when the simulator's settings are unreadable or invalid."""


class FaultRulesError(SimulatorSettingsError):
    """Raised when fault rules are unreadable or invalid."""


def _named_once(rules: tuple[FaultRule, ...]) -> tuple[FaultRule, ...]:
    names = [rule.name for rule in rules if rule.name]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two rules are called {min(twice)}")
    return rules


Rules = Annotated[tuple[FaultRule, ...], AfterValidator(_named_once)]


class SimulatorSettings(ModelBehaviour):
    """Settings of the simulator, including the default behaviour of its models."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Names by which clients may call it, beside loopback and the address that a "
        "request came in on; whatever page a browser has open can reach it by others.",
    )
    seed: int = Field(0, description="Seed of ties, faults by rate, and waiting times.")
    rules: Rules = Field((), description="Fault rules; the first that matches fires.")
    outages: tuple[Outage, ...] = Field((), description="Planned outages.")
    context_characters: int = Field(
        400_000, ge=1, description="Context of models that have no `context_tokens`: 100k tokens."
    )
    model: str = Field(
        "simulated-notes",
        min_length=1,
        description="Model that `/v1/models` lists without `models`.",
    )
    models: dict[str, ModelBehaviour] = Field(
        default_factory=dict, description="Models by name; without any, every name is a model."
    )

    @property
    def context_tokens_by_default(self) -> int:
        """Context of a model that has no ``context_tokens``, in tokens."""
        return max(1, self.context_characters // CHARACTERS_PER_TOKEN)

    def behaviour_of(self, model: str) -> ModelBehaviour:
        """Return the behaviour of a model: its own settings over those for all."""
        common = ModelBehaviour().with_changes(self)
        return common.with_changes(self.models.get(model, ModelBehaviour()))


_RULES: TypeAdapter[tuple[FaultRule, ...]] = TypeAdapter(Rules)
_OUTAGES: TypeAdapter[tuple[Outage, ...]] = TypeAdapter(tuple[Outage, ...])


def parse_fault_rules(document: Any) -> tuple[FaultRule, ...]:
    """Parse fault rules from a list, or from a mapping with the key ``rules``.

    Raises:
        FaultRulesError: names the first thing that is wrong, and where.
    """
    try:
        return _RULES.validate_python(_listed(document, "rules"))
    except ValidationError as error:
        raise FaultRulesError(f"rules: {describe_first_error(error)}") from None


def parse_outages(document: Any) -> tuple[Outage, ...]:
    """Parse planned outages from a list, or from a mapping with the key ``outages``.

    Raises:
        SimulatorSettingsError: names the first thing that is wrong, and where.
    """
    try:
        return _OUTAGES.validate_python(_listed(document, "outages"))
    except ValidationError as error:
        raise SimulatorSettingsError(f"outages: {describe_first_error(error)}") from None


def load_fault_rules(path: Path) -> tuple[FaultRule, ...]:
    """Load fault rules from a YAML or JSON file.

    Raises:
        FaultRulesError: the file cannot be read, is neither, or holds something else than rules.
    """
    try:
        return parse_fault_rules(_read(path))
    except FaultRulesError as error:
        raise FaultRulesError(f"{path}: {error}") from None
    except SimulatorSettingsError as error:
        raise FaultRulesError(str(error)) from None


def load_simulator_settings(path: Path) -> dict[str, Any]:
    """Load the simulator's settings from a YAML or JSON file.

    Returns:
        What the file sets, checked, for others to be put over.

    Raises:
        SimulatorSettingsError: the file cannot be read, is neither, or holds no settings.
    """
    document = _read(path) or {}
    try:
        read = SimulatorSettings.model_validate(document)
    except ValidationError as error:
        raise SimulatorSettingsError(f"{path}: {describe_first_error(error)}") from None
    return {name: getattr(read, name) for name in read.model_fields_set}


def describe_first_error(error: ValidationError) -> str:
    """Describe the first problem of a pydantic error in one line, with its path."""
    where, message = locate_first_error(error)
    return f"{where or 'the whole'}: {message}"


def locate_first_error(error: ValidationError) -> tuple[str, str]:
    """Return the path and message of the first problem of a pydantic error."""
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
        raise SimulatorSettingsError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SimulatorSettingsError(
            f"{path}: no YAML or JSON: {' '.join(str(error).split())}"
        ) from None
