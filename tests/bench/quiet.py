"""Suppression of logs during a measure, so that only the work is compared."""

from __future__ import annotations

import logging

import structlog


def be_quiet() -> None:
    """Log nothing but what should never happen."""
    logging.basicConfig(level=logging.CRITICAL)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,
    )
