"""Reads ``stack.yaml``: which processes make the stack, and what each one needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from signal import Signals
from typing import Annotated, Final, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from local_stack.errors import StackFailedError, StackUsageError
from local_stack.probes import ReadinessProbeKind

FILE_SETTING: Final = "ONRECORD_STACK_FILE"
"""Names another file than the checkout's ``deploy/local/stack.yaml``."""

SignalName = Annotated[
    Signals,
    BeforeValidator(lambda name: Signals[f"SIG{name}"]),
    PlainSerializer(lambda number: number.name.removeprefix("SIG")),
]
Word = str | tuple[str, ...]


class ProcessSpec(BaseModel):
    """Description in ``stack.yaml`` of one long-running process or one task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[Word, ...] = Field(
        min_length=1,
        description="Program and arguments; a nested list is left out when a ${SETTING} in it is "
        "not set.",
    )
    after: tuple[str, ...] = Field((), description="What has to be ready before.")
    env: dict[str, str] = Field({}, description="Environment of this process.")
    provides: dict[str, str] = Field(
        {}, description="Environment of clients, and of every process after this one."
    )
    ready: ReadinessProbeKind = Field(description="How to find out that it is ready.")
    ready_path: str = Field("/readyz", description="What the http probe asks for.")
    start_timeout_s: float = Field(60, gt=0, description="Seconds until it has to be ready.")
    attempts: int = Field(2, ge=1, description="How often to start it when it ends at once.")
    stop_signal: SignalName = Field(Signals.SIGTERM, description="Asks it to stop.")
    grace_s: float = Field(35, ge=0, description="Seconds to stop in before SIGKILL.")
    orphan_signal: SignalName = Field(
        Signals.SIGKILL, description="What it gets when an attached stack's parent is killed."
    )
    ignores: tuple[str, ...] = Field(
        (),
        description="Prefixes of settings that it does not read: it is started without them, and "
        "not again when they change.",
    )
    unless_env: tuple[str, ...] = Field((), description="Left out when one of these is set.")
    only_env: str | None = Field(None, description="Left out unless this is set.")

    @property
    def is_task(self) -> bool:
        """Whether it runs to its end rather than until it is stopped."""
        return self.ready is ReadinessProbeKind.EXIT

    @property
    def listens(self) -> bool:
        """Whether it has a port of its own."""
        texts = [*self.env.values(), *self.provides.values()]
        for word in self.command:
            texts.extend((word,) if isinstance(word, str) else word)
        return any("{port}" in text for text in texts)

    def fits(self, env: Mapping[str, str]) -> bool:
        """Whether it belongs to the stack with these settings; empty ones count as not set."""
        replaced = any(env.get(setting) for setting in self.unless_env)
        return not replaced and (self.only_env is None or bool(env.get(self.only_env)))

    def reads(self, setting: str) -> bool:
        """Return whether it may read a setting of the caller's environment."""
        return not setting.startswith(self.ignores)

    @model_validator(mode="after")
    def _probes_its_own_port(self) -> Self:
        if not self.is_task and not self.listens:
            raise ValueError(f"{self.ready} asks a port, but nothing here has {{port}} in it")
        return self


class StackSpec(BaseModel):
    """Contents of ``stack.yaml``: all processes of the stack, in the order of their start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processes: dict[str, ProcessSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _needs_come_first(self) -> Self:
        seen: set[str] = set()
        for name, process in self.processes.items():
            if unknown := set(process.after) - seen:
                raise ValueError(f"{name} comes after {', '.join(sorted(unknown))}: list it before")
            seen.add(name)
        return self

    def needs(self, name: str) -> frozenset[str]:
        """Everything that has to be ready before ``name``, directly or not."""
        direct = self.processes[name].after
        return frozenset(direct).union(*(self.needs(one) for one in direct))

    def select(self, env: Mapping[str, str], only: Iterable[str] | None = None) -> Self:
        """Return the part of the stack that is wanted.

        Args:
            env: the caller's environment, for ``unless_env`` and ``only_env``.
            only: names to keep, with all they need; None keeps everything.

        Raises:
            StackUsageError: a name is not in the stack.
        """
        wanted = set(self.processes) if only is None else set(self._with_needs(only))
        kept = {
            name: process
            for name, process in self.processes.items()
            if name in wanted and process.fits(env)
        }
        trimmed = {
            name: process.model_copy(update={"after": tuple(a for a in process.after if a in kept)})
            for name, process in kept.items()
        }
        return type(self)(processes=trimmed)

    def _with_needs(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name not in self.processes:
                known = ", ".join(self.processes)
                raise StackUsageError(f"the stack has no process {name!r}; it has {known}")
            yield name
            yield from self.needs(name)


def load_stack_spec(file: Path) -> StackSpec:
    """Load and validate a ``stack.yaml`` file.

    Raises:
        StackUsageError: it cannot be read, or has fields or values that are not known.
    """
    try:
        return StackSpec.model_validate(_without_anchors(yaml.safe_load(file.read_text("utf-8"))))
    except OSError as error:
        raise StackUsageError(f"cannot read {file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise StackUsageError(f"{file} is not YAML", details=str(error).splitlines()) from error
    except ValidationError as error:
        details = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise StackUsageError(f"{file} does not describe a stack", details=details) from error


def _without_anchors(document: object) -> object:
    """A document without what only holds YAML anchors (``x-…``, as in Compose files)."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if not str(key).startswith("x-")}


def find_stack_file(env: Mapping[str, str]) -> Path:
    """Return the path of ``stack.yaml``: from a setting, the package or the source checkout.

    Raises:
        StackFailedError: there is none; onrecord was installed without it.
    """
    if named := env.get(FILE_SETTING):
        return Path(named)
    here = Path(__file__).resolve()
    for candidate in (here.with_name("stack.yaml"), here.parents[2] / "deploy/local/stack.yaml"):
        if candidate.is_file():
            return candidate
    raise StackFailedError(
        f"no stack.yaml here: work in a checkout of onrecord, or set {FILE_SETTING}"
    )
