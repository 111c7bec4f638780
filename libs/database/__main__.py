"""Command line ``python -m database migrate|pending``: applies or lists migrations."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from configuration.settings_errors import list_settings_errors
from database.errors import DatabaseUnavailableError, MigrationError
from database.migrate import apply_migrations, list_pending_migrations
from database.settings import PostgresSettings

DONE: Final = 0
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line without the program's name; the process's own if None.

    Returns:
        The exit code: 0 done, 2 wrong settings or a migration that is refused, 3 PostgreSQL
        cannot be reached.
    """
    verb = _parser().parse_args(arguments).verb
    try:
        lines = asyncio.run(_run(verb, PostgresSettings()))
    except ValidationError as error:
        return _fail(BAD_INPUT, *list_settings_errors(error))
    except MigrationError as error:
        return _fail(BAD_INPUT, str(error))
    except DatabaseUnavailableError as error:
        return _fail(UNREACHABLE, str(error))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return DONE


async def _run(verb: str, settings: PostgresSettings) -> list[str]:
    if verb == "migrate":
        applied = await apply_migrations(settings, notice=_print_notice)
        lines = [f"applied {migration}" for migration in applied]
    else:
        lines = [f"pending {migration}" for migration in await list_pending_migrations(settings)]
    return lines or ["the database is up to date"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m database", description=__doc__)
    parser.add_argument("verb", choices=("migrate", "pending"), help="apply, or only list")
    return parser


def _print_notice(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _fail(code: int, *lines: str) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
