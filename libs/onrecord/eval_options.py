"""Options that several commands of ``onrecord eval`` share."""

from __future__ import annotations

from typing import Annotated

import typer

from evaluation.modes import CheckMode

ModeOption = Annotated[
    CheckMode | None,
    typer.Option(
        help="Measure one mode; else light, and heavy beside it where its packages are installed.",
        show_default=False,
    ),
]
