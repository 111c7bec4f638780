"""The page of formats has what the registry has."""

from __future__ import annotations

from support.formats_page import PAGE, page


def test_the_page_has_every_format_of_the_registry() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run `make contracts`"
