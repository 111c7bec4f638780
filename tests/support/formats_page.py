"""Generator of the tables in ``docs/formats.md``, from the registry of formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from transcripts.formats import FormatFamily
from transcripts.registry import FORMATS

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
_BEGIN: Final = "<!-- formats: made by `make contracts` -->"
_END: Final = "<!-- end of formats -->"


def page() -> str:
    """Return the page with the tables of today's registry."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN, 1)
    after = rest.split(_END, 1)[1]
    return f"{before}{_BEGIN}\n\n{chr(10).join(_lines())}\n\n{_END}{after}"


def _lines() -> Iterator[str]:
    for position, family in enumerate(FormatFamily):
        if position:
            yield ""
        yield f"### {family.value}"
        yield ""
        yield "| format | written by | begins like | sure |"
        yield "|---|---|---|---|"
        for one in FORMATS:
            if one.family is family:
                sample = " ".join(one.sample.split())[:60].replace("|", "\\|")
                yield f"| `{one.name.value}` | {one.written_by} | `{sample}` | {one.confidence:g} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
