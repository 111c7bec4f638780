"""Settings by which clients find the system: environment, local stack, or Compose's ports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

from local_stack.state import StackFolder
from onrecord.contexts import GIVEN_OPTIONS, NamedContext, choose_context
from onrecord.errors import UnreachableError, UsageError

HOME_SETTING: Final = "ONRECORD_HOME"
TOKEN_SETTING: Final = "ONRECORD_TOKEN"  # noqa: S105 - a name
TOKEN_FILE_SETTING: Final = "ONRECORD_TOKEN_FILE"  # noqa: S105 - a name
TOKEN_SETTINGS: Final = frozenset({TOKEN_SETTING, TOKEN_FILE_SETTING})
CONTROL_SETTING: Final = "ONRECORD_CONTROL_URL"
KAFKA_SETTING: Final = "KAFKA_BOOTSTRAP_SERVERS"
URL_SETTING: Final = "ONRECORD_URL"
"""The short name of ``CONTROL_SETTING``; it wins."""
REASON_SETTING: Final = "ONRECORD_REASON"
DATABASE_SETTING: Final = "POSTGRES_DSN"
ROOT_MARKS: Final = (".onrecord", "pyproject.toml", ".git")

COMPOSE: Final = MappingProxyType(
    {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "ONRECORD_CONTROL_URL": "http://127.0.0.1:8080",
    }
)
"""Where ``docker compose up`` publishes the system with its default ports."""


def find_stack_folder(environ: Mapping[str, str] = os.environ, cwd: Path | None = None) -> Path:
    """Return the local stack's folder: from a setting, or ``.onrecord`` in the project.

    Args:
        environ: the environment, for ``ONRECORD_HOME``.
        cwd: where to begin; the current directory if None. The root is the nearest folder from
            there upwards that has a ``.onrecord``, ``pyproject.toml`` or ``.git``, or else itself.
    """
    if named := environ.get(HOME_SETTING):
        return Path(named).expanduser().resolve()
    start = (cwd or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in ROOT_MARKS):
            return folder / ".onrecord"
    return start / ".onrecord"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of the command line: how to reach the broker, the API and the services.

    Attributes:
        env: settings by name, such as ``ONRECORD_CONTROL_URL``.
        home: the local stack's folder, in which was looked for what the environment leaves out.
        named: names that the environment itself has, and not the local stack.
    """

    env: Mapping[str, str]
    home: Path
    named: frozenset[str] = frozenset()

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Self:
        """Read the environment; what it leaves out comes from a context or the local stack.

        Where the environment names no address of control, it is that of the context in use; of the
        local stack's context, what its ``stack.json`` says. Where there is neither a local stack
        that is to run nor any address in the environment, the system of ``docker-compose.yml`` is
        meant.

        Args:
            environ: the environment.
            home: the local stack's folder; found by ``find_stack_folder`` if None.

        Raises:
            StackFailedError: ``stack.json`` is damaged.
            UsageError: there is no such context, or two systems are named.
        """
        found = StackFolder(home or find_stack_folder(environ))
        if url := environ.get(URL_SETTING):
            environ = {**environ, CONTROL_SETTING: url}
        if CONTROL_SETTING in environ:
            if (name := GIVEN_OPTIONS.get().context) is not None:
                raise UsageError(
                    f"{URL_SETTING} is set, and --context {name} names a system too: leave one out"
                )
        else:
            _, context = choose_context(environ)
            if context is not None:
                environ = {**_settings_of(context, environ), **environ}
                return cls(environ, found.path, frozenset(environ))
        known = _find_known(found, environ)
        return cls({**known, **environ}, found.path, frozenset(environ))

    @property
    def kafka_bootstrap_servers(self) -> str:
        """The brokers, as ``host:port``, separated by commas."""
        return self._required("KAFKA_BOOTSTRAP_SERVERS", "broker")

    @property
    def kafka_topic_prefix(self) -> str:
        """What stands before every topic and group; empty by default."""
        return self.env.get("KAFKA_TOPIC_PREFIX", "")

    @property
    def control_url(self) -> str:
        """Where the control service answers, without a slash at the end."""
        if not self.env.get(CONTROL_SETTING):
            for former in (DATABASE_SETTING, KAFKA_SETTING):
                if former in self.named:
                    raise UsageError(
                        f"{former} is not read by this command any more: set {URL_SETTING} to the "
                        f"address of control, and {TOKEN_SETTING} or {TOKEN_FILE_SETTING}"
                    )
        return self._required(CONTROL_SETTING, "control service", URL_SETTING).rstrip("/")

    @property
    def names_kafka_alone(self) -> bool:
        """Whether the environment names a broker and no control service, as producers' do."""
        return KAFKA_SETTING in self.named and CONTROL_SETTING not in self.named

    @property
    def reason(self) -> str:
        """Why something is asked for, for the trail; may be empty."""
        return GIVEN_OPTIONS.get().reason or self.env.get(REASON_SETTING, "")

    @property
    def token(self) -> str:
        """The access token for control: ``ONRECORD_TOKEN``, or what ``ONRECORD_TOKEN_FILE`` holds.

        Raises:
            UsageError: the file cannot be read.
        """
        if token := self.env.get(TOKEN_SETTING, "").strip():
            return require_header_safe_token(token, TOKEN_SETTING)
        file = self.env.get(TOKEN_FILE_SETTING)
        try:
            text = Path(file).expanduser().read_text("utf-8").strip() if file else ""
            return require_header_safe_token(text, TOKEN_FILE_SETTING)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{TOKEN_FILE_SETTING}: {file} cannot be read ({type(error).__name__})"
            ) from error

    def _required(self, name: str, what: str, shown: str = "") -> str:
        if value := self.env.get(name):
            return value
        raise UnreachableError(
            f"no {what} is known, looked in {self.home}: start one with `onrecord up`, or set "
            f"{shown or name}, or set {HOME_SETTING} to the .onrecord of a stack started elsewhere"
        )


def _settings_of(context: NamedContext, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a context; its token only if the environment has none."""
    settings = {CONTROL_SETTING: context.url}
    if not TOKEN_SETTINGS & environ.keys():
        settings |= {TOKEN_SETTING: context.token, TOKEN_FILE_SETTING: context.token_file}
    return settings


def _find_known(found: StackFolder, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is known of the local stack or of Compose, as far as the environment means it."""
    state = found.load()
    known: Mapping[str, str] = state.client_env if state.wanted else {}
    if not known and not {*COMPOSE, DATABASE_SETTING} & environ.keys():
        known = COMPOSE
    if CONTROL_SETTING in environ:  # a token of one system is not for another's address
        return {name: known[name] for name in known if name not in TOKEN_SETTINGS}
    for setting in (DATABASE_SETTING, KAFKA_SETTING):
        # Another system's database or broker is named, so this one's control is not meant.
        if environ.get(setting, known.get(setting)) != known.get(setting):
            return {name: known[name] for name in known if name != CONTROL_SETTING}
    return known


def require_header_safe_token(token: str, setting: str) -> str:
    """Return an access token unchanged; raise ``UsageError`` if an HTTP header cannot carry it.

    Raises:
        UsageError: it has blanks, or characters beyond ASCII.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"{setting} is no token: it has a blank or a character beyond ASCII")
    return token


def require_http_url(url: str, said_by: str) -> None:
    """Raise ``UsageError`` unless a URL is an http or https URL with a host.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number or above 65535; brackets without an end
        fits = False
    if not fits:
        raise UsageError(f"{said_by} is no address: {url}")
