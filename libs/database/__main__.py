"""Command line ``python -m database``: migrations, and the passwords and logins of services."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from configuration import command_line
from configuration.private_files import SHARED, read_or_create_private_file
from configuration.settings_errors import list_settings_errors
from database.errors import DatabaseUnavailableError, MigrationError
from database.logins import create_logins, generate_password, read_or_create_passwords
from database.migrate import apply_migrations, list_pending_migrations
from database.settings import PostgresSettings

DONE: Final = 0
BAD_INPUT: Final = 2
UNREACHABLE: Final = 3

app: Final = command_line.create_typer_app(
    "Bring the database of POSTGRES_DSN up to date, and create the services' logins.",
    epilog="example: POSTGRES_DSN=postgresql://onrecord@db/onrecord python -m database migrate",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m database``: apply the migrations, and return the exit code.

    Args:
        arguments: the command line without the program's name; the process's own if None.

    Returns:
        The exit code: 0 done, 2 wrong usage, wrong settings or a migration that is refused, 3
        PostgreSQL cannot be reached.
    """
    return command_line.run_typer_app(app, arguments, program="python -m database")


@app.command("migrate")
def _migrate() -> int:
    """Apply the migrations that the database lacks."""

    async def apply() -> list[str]:
        return [
            f"applied {one}"
            for one in await apply_migrations(PostgresSettings(), notice=_print_notice)
        ]

    return _print(apply())


@app.command("roles")
def _roles(
    folder: Annotated[Path, typer.Argument(help="Holds the password of each login, in a file.")],
) -> int:
    """Create a login for each service; takes a superuser, or the owner with CREATEROLE."""
    try:
        passwords = read_or_create_passwords(folder)
    except OSError as error:
        return _fail(BAD_INPUT, f"{folder}: {error.strerror}")
    except ValueError as error:
        return _fail(BAD_INPUT, str(error))

    async def create() -> list[str]:
        found = await create_logins(PostgresSettings(), passwords, notice=_print_notice)
        return [f"may log in: {login}" for login in found]

    return _print(create())


@app.command("password")
def _password(
    file: Annotated[Path, typer.Argument(help="Holds the password, readable by all.")],
    password: Annotated[
        str,
        typer.Option(envvar="ONRECORD_POSTGRES_PASSWORD", help="Instead of a generated one."),
    ] = "",
) -> int:
    """Write a superuser's password for a server that is yet to be made; keep one that is there.

    The server runs as another user than we, so the file is readable by all: keep it where only the
    server sees it, such as in a volume.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if password and file.exists():
            file.unlink()
        read_or_create_private_file(file, lambda: password or generate_password())
        file.chmod(SHARED)
    except OSError as error:
        return _fail(BAD_INPUT, f"{file}: {error.strerror}")
    except ValueError as error:
        return _fail(BAD_INPUT, str(error))
    return DONE


@app.command("pending")
def _pending() -> int:
    """List the migrations that the database lacks."""

    async def list_them() -> list[str]:
        return [f"pending {one}" for one in await list_pending_migrations(PostgresSettings())]

    return _print(list_them())


def _print(work: Coroutine[Any, Any, list[str]]) -> int:
    """Print the lines that some work comes to; return the exit code."""
    try:
        lines = asyncio.run(work)
    except ValidationError as error:
        return _fail(BAD_INPUT, *list_settings_errors(error))
    except MigrationError as error:
        return _fail(BAD_INPUT, str(error))
    except DatabaseUnavailableError as error:
        return _fail(UNREACHABLE, str(error))
    sys.stdout.writelines(f"{line}\n" for line in lines or ["the database is up to date"])
    return DONE


def _print_notice(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _fail(code: int, *lines: str) -> int:
    sys.stderr.writelines(f"{line}\n" for line in lines)
    return code


if __name__ == "__main__":
    sys.exit(main())
