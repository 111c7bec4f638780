"""Turns a process's entry in ``stack.yaml`` into the command and environment it is started with.

``{port}``, ``{data}``, ``{secret}``, ``{python}`` and ``{noida_db}`` are filled in here, as are the
port of another process (``{port:postgres}``) and the password of a login (``{password:control}``);
``${SETTING}`` and ``${SETTING:-default}`` come from the environment.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_stack.errors import StackFailedError
from local_stack.probes import is_port_free
from local_stack.process_launcher import DIE_WITH
from local_stack.spec import FILE_SETTING, StackSpec, Word
from local_stack.state import StackFolder, StackState

PORTS: Final = range(20_000, 32_000)
"""Below the ports systems give to outgoing connections (32768 on, in Linux), so that a port is
still free when the stack is started again."""

SHARED_PREFIXES: Final = ("KAFKA_", "POSTGRES_", "OPENAI_", "ONRECORD_")
"""Settings of the caller's environment that any process may read."""

ABOUT_THE_STACK: Final = ("ONRECORD_HOME", FILE_SETTING, DIE_WITH)
"""Settings of the supervisor itself: no process reads them."""

COMMAND: Final = "its command"
"""How a change of the command itself is named among changed settings."""

SETTING: Final = re.compile(r"\$\{(?P<name>[A-Z_][A-Z0-9_]*)(:-(?P<default>[^}]*))?\}")
FIELD: Final = re.compile(r"\{(port|data|secret|python|noida_db|password)(?::([a-z-]+))?\}")


@dataclass(frozen=True, slots=True)
class ResolvedProcess:
    """Process to start, with the placeholders in its command and environment filled in.

    Attributes:
        command: program and arguments.
        env: the settings it gets on top of the caller's environment.
        hashes: of each setting it depends on, inherited ones included, and of ``command``; when
            one changes, a running process is out of date.
    """

    command: tuple[str, ...]
    env: dict[str, str]
    hashes: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """One hash for all of them."""
        return _hash(sorted(self.hashes.items()))


class PlaceholderResolver:
    """Resolver that fills in the placeholders, such as ports, of a stack's process specs.

    Args:
        spec: the processes.
        home: where they keep their data.
        environ: the caller's environment; settings come from it.
        overrides: settings that win over those of ``stack.yaml``.
    """

    def __init__(
        self,
        spec: StackSpec,
        home: StackFolder,
        environ: Mapping[str, str],
        overrides: Mapping[str, str],
    ) -> None:
        self._spec = spec
        self._home = home
        self._overrides = dict(overrides)
        merged = {**environ, **overrides}
        self._environ = {k: v for k, v in merged.items() if k not in ABOUT_THE_STACK}

    def resolve(self, name: str, state: StackState) -> ResolvedProcess:
        """What to start ``name`` with, given the ports in ``state``."""
        process = self._spec.processes[name]
        env: dict[str, str] = {}
        for earlier in self._spec.processes:
            if earlier in self._spec.needs(name):
                env |= self._provided(earlier, state)
        env |= {key: self._fill(value, name, state) for key, value in process.env.items()}
        env |= self._overrides
        command = tuple(
            self._fill(part, name, state) for word in process.command for part in self._parts(word)
        )
        settings = self._inherited(name) | env
        hashes = {key: _hash(value) for key, value in settings.items()}
        return ResolvedProcess(command, env, hashes | {COMMAND: _hash(command)})

    def client_env(self, state: StackState) -> dict[str, str]:
        """Return the settings by which clients reach the stack, without a real model's key."""
        env = {k: v for k, v in self._overrides.items() if not k.endswith("_KEY")}
        for name, process in self._spec.processes.items():
            if name in state.ports or not process.listens:
                env = self._provided(name, state) | env
        return env

    def full_env(self, name: str, resolved: ResolvedProcess) -> dict[str, str]:
        """Return the whole environment a process is started with."""
        process = self._spec.processes[name]
        read = {k: v for k, v in self._environ.items() if process.reads(k)}
        return {**read, **resolved.env}

    def _provided(self, name: str, state: StackState) -> dict[str, str]:
        provides = self._spec.processes[name].provides
        return {key: self._fill(value, name, state) for key, value in provides.items()}

    def _inherited(self, name: str) -> dict[str, str]:
        prefixes = (*SHARED_PREFIXES, f"{name.upper()}_")
        process = self._spec.processes[name]
        return {
            key: value
            for key, value in self._environ.items()
            if key.startswith(prefixes) and process.reads(key)
        }

    def _parts(self, word: Word) -> tuple[str, ...]:
        if isinstance(word, str):
            return (word,)
        unset = any(
            not self._environ.get(found["name"]) and found["default"] is None
            for part in word
            for found in SETTING.finditer(part)
        )
        return () if unset else word

    def _fill(self, text: str, name: str, state: StackState) -> str:
        filled = SETTING.sub(
            lambda found: self._environ.get(found["name"]) or found["default"] or "", text
        )
        return FIELD.sub(lambda found: self._field(found[1], found[2] or name, state), filled)

    def _field(self, field: str, name: str, state: StackState) -> str:
        if field == "port":
            return str(state.ports[name])
        if field == "data":
            return str(self._home.data)
        if field == "secret":
            return self._home.secret()
        if field == "password":
            return self._home.password(name)
        return sys.executable if field == "python" else str(_noida_db())


def choose_free_port(state: StackState, name: str, chance: random.Random) -> int:
    """Choose a port that is free and not reserved for another process of the stack.

    Raises:
        StackFailedError: none is free.
    """
    taken = set(state.ports.values())
    for port in chance.sample(PORTS, len(PORTS)):
        if port not in taken and is_port_free(port):
            return port
    raise StackFailedError(f"no port between {PORTS.start} and {PORTS.stop} is free for {name}")


def find_changed_settings(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of settings whose hashes differ between two starts of a process."""
    names = before.keys() | now.keys()
    return tuple(sorted(name for name in names if before.get(name) != now.get(name)))


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _noida_db() -> Path:
    found = importlib.util.find_spec("noida_db")
    if found is None or found.origin is None:
        raise StackFailedError("noida-db is not installed: pip install 'onrecord[local]'")
    binary = Path(found.origin).with_name("noida-db")
    if not binary.stat().st_mode & stat.S_IXUSR:  # some installers forget the mode in the wheel
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return binary
