"""The verbs of the command line, one module each; ``register(app)`` adds a module's verbs.

A verb imports what is heavy (aiokafka, asyncpg) inside its function, so that the others stay quick;
takes ``json_output: Json = False``; prints results through ``onrecord.console``; and raises the
classes of ``onrecord.errors``, which decide the exit code. Its docstring is its help
and ends with "Examples of use:" and an indented block.
"""

from typing import Final

MODULES_OF_OTHER_NAMES: Final = {"up": "stack", "down": "stack", "status": "stack"}
"""Modules of the commands that are not in a module of their own name."""

WITHOUT_SYSTEM: Final = frozenset(
    {
        "backup",
        "context",
        "contracts",
        "demo",
        "eval",
        "parse",
        "restore",
        "simulate_llm",
        "stack",
    }
)
"""Modules whose commands do not ask control; all others take ``--context`` and ``--reason``."""
