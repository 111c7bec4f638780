"""Mask personal data: put a placeholder with its kind in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from personal_data.findings import PersonalDataKind, PersonalDataSpan


def mask_text(text: str, findings: Sequence[PersonalDataSpan]) -> str:
    """Replace each span of personal data in a text by its kind, such as ``[PERSON]``.

    Where a text has several values of one kind they are numbered in the order they come, and the
    same value has the same number: ``[PERSON 1] told [PERSON 2]``.

    Args:
        text: the text the findings are from.
        findings: not overlapping, in order, as `find_personal_data` returns them.
    """
    numbers: defaultdict[PersonalDataKind, dict[str, int]] = defaultdict(dict)
    for one in findings:
        of_kind = numbers[one.kind]
        of_kind.setdefault(text[one.start : one.end].casefold(), len(of_kind) + 1)
    parts: list[str] = []
    end = 0
    for one in findings:
        of_kind = numbers[one.kind]
        number = of_kind[text[one.start : one.end].casefold()]
        parts += [
            text[end : one.start],
            _format_placeholder(one.kind, number if len(of_kind) > 1 else None),
        ]
        end = one.end
    return "".join([*parts, text[end:]])


def _format_placeholder(kind: PersonalDataKind, number: int | None) -> str:
    return f"[{kind.label}]" if number is None else f"[{kind.label} {number}]"
