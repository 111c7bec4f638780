from __future__ import annotations

import re

import pytest

from messaging.tracing import child_of

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_child_keeps_trace_and_flags_and_has_a_span_of_its_own() -> None:
    version, trace, span, flags = child_of(PARENT).split("-")
    assert (version, trace, flags) == ("00", PARENT.split("-")[1], "00")
    assert re.fullmatch(r"[0-9a-f]{16}", span)
    assert span != PARENT.split("-")[2]


@pytest.mark.parametrize(
    "parent",
    [
        None,
        "",
        "rubbish",
        PARENT.upper(),
        PARENT + "-more",
        PARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_a_malformed_parent_starts_a_new_trace(parent: str | None) -> None:
    fresh = child_of(parent)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fresh)
    assert "4bf92f3577b34da6a3ce929d0e0e4736" not in fresh
