"""Runs the simulator from the command line until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pydantic import ValidationError

from simulator.server import serve
from simulator.settings import RulesError, SimulatorSettings, load_rules

_WRONG_USAGE = 2
_CANNOT_LISTEN = 3


def main(arguments: list[str] | None = None, *, program: str = "simulator") -> int:
    """Serve as the arguments say.

    Args:
        arguments: the command line's, without the program's name; ``sys.argv`` if None.
        program: what its help calls the program.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 2 for wrong settings or rules, 3 where the port
        cannot be had. Errors are one line on stderr.
    """
    options = _parser(program).parse_args(arguments)
    try:
        settings = SimulatorSettings(
            host=options.host,
            port=options.port,
            seed=options.seed,
            latency=options.latency,
            rules=load_rules(options.rules) if options.rules else (),
            context_characters=options.context_characters,
            model=options.model,
        )
    except RulesError as error:
        return _complain(str(error), _WRONG_USAGE)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = str(first["loc"][0]).replace("_", "-")
        return _complain(f"--{option}: {first['msg']}", _WRONG_USAGE)
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        return _complain(f"{options.host}:{options.port}: {error.strerror}", _CANNOT_LISTEN)
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8_100, help="port; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=0, help="decides all that is left to chance")
    parser.add_argument(
        "--latency", default="0", help="seconds, lognormal:MEDIAN,SIGMA or uniform:LEAST,MOST"
    )
    parser.add_argument("--rules", type=Path, help="YAML or JSON file of fault rules")
    parser.add_argument(
        "--context-characters",
        type=int,
        default=SimulatorSettings.model_fields["context_characters"].default,
        help="longest prompt taken, in characters; a longer one is refused",
    )
    parser.add_argument("--model", default="simulated-notes", help="model that /v1/models lists")
    return parser


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"simulator: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
