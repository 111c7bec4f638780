"""``docs/limits.md`` is what the code says; ``make contracts`` writes it."""

from __future__ import annotations

from support.limits_page import PAGE, page


def test_the_page_of_limits_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_has_every_kind_of_limit() -> None:
    said = page()
    for one in ("timed words", "`INGESTION_READ_CPU_S`", "MAX_MESSAGE_BYTES", "`Study.themes`"):
        assert one in said
