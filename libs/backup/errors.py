"""Errors of backups, in the classes that decide what a command answers.

BackupError
├── BackupFileError       the file is damaged, cut off or no backup: nothing was touched
├── BackupRefusedError    it cannot be made or restored as things are; the message says why
└── SchemaUnknownError    the backup, or the database, is of a newer or another onrecord
"""

from __future__ import annotations

from collections.abc import Sequence


class BackupError(Exception):
    """Base of what keeps a backup from being made or restored.

    Args:
        message: one line for people.
        details: further lines, such as one for each topic.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class BackupFileError(BackupError):
    """Raised when a file is no backup, or not the whole of one."""


class BackupRefusedError(BackupError):
    """Raised when something has to be done first, such as stopping services."""


class SchemaUnknownError(BackupError):
    """Raised when migrations of a backup or a database are not those that this code knows."""
