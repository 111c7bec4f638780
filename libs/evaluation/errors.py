"""Errors of the evaluation library.

EvaluationError
└── InputError    what is to be measured cannot be read, or a needed package is missing
"""

from __future__ import annotations


class EvaluationError(Exception):
    """Base of every error this library raises itself; its text is one line for people."""


class InputError(EvaluationError):
    """Raised when a file, folder or page cannot be used, or the mode asked for is not installed."""
