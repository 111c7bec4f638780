"""``onrecord eval``: how good checks and readers are, on what is known to be right or wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from onrecord.help_texts import format_help_texts

if TYPE_CHECKING:
    from typer._click.core import Command, Context


class EvalGroup(TyperGroup):
    """Group of commands that are imported when they are asked for: that takes seconds."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names of the commands, in the order in which help lists them."""
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Return a command by its name; None if there is none."""
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        if self.commands:
            return
        from onrecord.eval_verbs import build_eval_verbs  # noqa: PLC0415 - keeps help quick

        verbs = build_eval_verbs()
        format_help_texts(verbs)
        group = typer.main.get_group(verbs)
        self.commands = group.commands


def register(app: typer.Typer) -> None:
    """Add the commands of ``eval`` to the command line."""
    verbs = typer.Typer(
        cls=EvalGroup,
        help="How good the checks and the readers are, on what is known to be right or wrong.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
    )
    app.add_typer(verbs, name="eval", rich_help_panel="Interviews and notes")
