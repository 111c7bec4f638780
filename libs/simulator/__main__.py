"""Run a server that simulates a language model, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from configuration import command_line
from simulator.server import serve
from simulator.settings import (
    SimulatorSettings,
    SimulatorSettingsError,
    load_fault_rules,
    load_simulator_settings,
    locate_first_error,
)

_WRONG_USAGE: Final = 2
_CANNOT_LISTEN: Final = 3
_PORT: Final = 8_100
_DISTRIBUTION: Final = "seconds, uniform:LEAST,MOST, lognormal:MEDIAN,SIGMA or pareto:LEAST,ALPHA"

Config = Annotated[
    Path | None, typer.Option(help="YAML or JSON file of settings; options go over it.")
]
Host = Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")]
AllowedHost = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Name by which clients call it, if not by its address; may be repeated.",
    ),
]
Port = Annotated[int | None, typer.Option(help=f"Port; 0 takes a free one ({_PORT}).")]
Seed = Annotated[int | None, typer.Option(help="Seed of all random choices (0).")]
Latency = Annotated[str | None, typer.Option(help=f"Until an answer begins: {_DISTRIBUTION}.")]
BetweenChunks = Annotated[
    str | None, typer.Option(help="From one piece of an answer to the next; as --latency.")
]
PerMinute = Annotated[float | None, typer.Option(help="Limit; none if absent.")]
BurstS = Annotated[float | None, typer.Option(help="Seconds' worth of quota that piles up (60).")]
Rules = Annotated[Path | None, typer.Option(help="YAML or JSON file of fault rules.")]
ContextCharacters = Annotated[
    int | None,
    typer.Option(
        help="Longest prompt and answer taken, in characters; longer ones are refused (400,000)."
    ),
]
Paraphrasing = Annotated[
    bool,
    typer.Option(
        "--paraphrasing",
        help="Write paraphrased notes, half of them false in known ways; --config sets the rates.",
    ),
]
Model = Annotated[str | None, typer.Option(help="Model that /v1/models lists (simulated-notes).")]


def main(arguments: Sequence[str] | None = None, *, program: str = "simulator") -> int:
    """Run the simulator with command-line arguments; return the exit code.

    Args:
        arguments: the command line's, without the program's name; ``sys.argv`` if None.
        program: what its help calls the program.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 2 for wrong settings or rules, 3 where the port
        cannot be had. Errors are one line on stderr.
    """
    app = command_line.create_typer_app(__doc__)
    app.command(help=__doc__)(_serve)
    return command_line.run_typer_app(app, arguments, program=program)


def _serve(  # noqa: PLR0913 - each is an option; one that is not given sets nothing
    *,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    allowed_host: AllowedHost = None,
    seed: Seed = None,
    latency: Latency = None,
    between_chunks: BetweenChunks = None,
    requests_per_minute: PerMinute = None,
    tokens_per_minute: PerMinute = None,
    burst_s: BurstS = None,
    rules: Rules = None,
    context_characters: ContextCharacters = None,
    model: Model = None,
    paraphrasing: Paraphrasing = False,
) -> int:
    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "allowed_hosts": allowed_host or None,
        "seed": seed,
        "latency": latency,
        "between_chunks": between_chunks,
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "burst_s": burst_s,
        "context_characters": context_characters,
        "model": model,
        "paraphrasing": {} if paraphrasing else None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    try:
        settings = _settings(config, rules, options)
    except SimulatorSettingsError as error:
        return _fail(str(error), _WRONG_USAGE)
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        return _fail(f"{settings.host}:{settings.port}: {error.strerror}", _CANNOT_LISTEN)
    return 0


def _settings(
    config: Path | None, rules: Path | None, options: dict[str, Any]
) -> SimulatorSettings:
    """Return the file's settings, with the options over them.

    Raises:
        SimulatorSettingsError: one line on the first thing that is wrong.
    """
    fields = {"port": _PORT, **(load_simulator_settings(config) if config else {})}
    if rules:
        fields["rules"] = load_fault_rules(rules)
    try:
        return SimulatorSettings(**(fields | options))
    except ValidationError as error:
        where, message = locate_first_error(error)
        option = where.split(".")[0].replace("_", "-")
        raise SimulatorSettingsError(f"--{option}: {message}") from None


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"simulator: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
