"""Runs the simulator from the command line until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.server import serve
from simulator.settings import (
    SettingsError,
    SimulatorSettings,
    first_fault,
    load_rules,
    load_settings,
)

_WRONG_USAGE = 2
_CANNOT_LISTEN = 3
_PORT = 8_100


def main(arguments: list[str] | None = None, *, program: str = "simulator") -> int:
    """Serve as the arguments say.

    Args:
        arguments: the command line's, without the program's name; ``sys.argv`` if None.
        program: what its help calls the program.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 2 for wrong settings or rules, 3 where the port
        cannot be had. Errors are one line on stderr.
    """
    options = vars(_parser(program).parse_args(arguments))
    try:
        settings = _settings(options)
    except SettingsError as error:
        return _complain(str(error), _WRONG_USAGE)
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        return _complain(f"{settings.host}:{settings.port}: {error.strerror}", _CANNOT_LISTEN)
    return 0


def _settings(options: dict[str, Any]) -> SimulatorSettings:
    """The file's settings, and the options over them.

    Raises:
        SettingsError: one line on the first thing that is wrong.
    """
    config = options.pop("config", None)
    fields = {"port": _PORT, **(load_settings(config) if config else {})}
    if rules := options.pop("rules", None):
        fields["rules"] = load_rules(rules)
    try:
        return SimulatorSettings(**(fields | options))
    except ValidationError as error:
        where, told = first_fault(error)
        option = where.split(".")[0].replace("_", "-")
        raise SettingsError(f"--{option}: {told}") from None


def _parser(program: str) -> argparse.ArgumentParser:
    """Options are named as the settings are; one that is not given sets nothing."""
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, argument_default=argparse.SUPPRESS
    )
    parser.add_argument(
        "--config", type=Path, help="YAML or JSON file of settings; options go over it"
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help=f"port; 0 takes a free one ({_PORT})")
    parser.add_argument("--seed", type=int, help="decides all that is left to chance (0)")
    distribution = "seconds, uniform:LEAST,MOST, lognormal:MEDIAN,SIGMA or pareto:LEAST,ALPHA"
    parser.add_argument("--latency", help=f"until an answer begins: {distribution}")
    parser.add_argument(
        "--between-chunks", help="from one piece of an answer to the next; as --latency"
    )
    for unit in ("requests", "tokens"):
        parser.add_argument(f"--{unit}-per-minute", type=float, help="limit; none if absent")
    parser.add_argument("--burst-s", type=float, help="seconds' worth of quota that piles up (60)")
    parser.add_argument("--rules", type=Path, help="YAML or JSON file of fault rules")
    parser.add_argument(
        "--context-characters",
        type=int,
        help="longest prompt and answer taken, in characters; longer ones are refused (400,000)",
    )
    parser.add_argument("--model", help="model that /v1/models lists (simulated-notes)")
    return parser


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"simulator: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
