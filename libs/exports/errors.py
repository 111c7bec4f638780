"""Errors of exports, in words for people."""

from __future__ import annotations


class ExportError(Exception):
    """Base of errors because of which an export ends; its text says what to do."""


class TooLargeForFormatError(ExportError):
    """Raised when a format cannot hold so much."""


class MissingLibraryError(ExportError):
    """Raised when a format needs a library that is not installed."""
