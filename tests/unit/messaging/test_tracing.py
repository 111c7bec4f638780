from __future__ import annotations

import re

import pytest

from messaging.tracing import derive_traceparent

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_child_keeps_trace_and_flags_and_has_a_span_of_its_own() -> None:
    version, trace, span, flags = derive_traceparent(PARENT).split(b"-")
    assert (version, trace, flags) == (b"00", PARENT.split(b"-")[1], b"00")
    assert re.fullmatch(rb"[0-9a-f]{16}", span)
    assert span != PARENT.split(b"-")[2]


@pytest.mark.parametrize("more", [b"", b"-", b"-what-a-later-version-adds"])
def test_a_parent_of_a_later_version_is_read_as_far_as_this_one_goes(more: bytes) -> None:
    later = PARENT.replace(b"00-", b"01-", 1)[:-2] + b"ff" + more
    version, trace, _, flags = derive_traceparent(later).split(b"-")
    assert (version, trace, flags) == (b"00", PARENT.split(b"-")[1], b"01")


@pytest.mark.parametrize(
    "parent",
    [
        None,
        b"",
        b"rubbish",
        b"\xff" * 55,
        PARENT.upper(),
        PARENT + b"-more",
        PARENT.replace(b"00-", b"ff-", 1),
        PARENT.replace(b"00-", b"01-", 1) + b"more",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
    ],
)
def test_a_malformed_parent_starts_a_new_trace(parent: bytes | None) -> None:
    fresh = derive_traceparent(parent)
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fresh)
    assert b"4bf92f3577b34da6a3ce929d0e0e4736" not in fresh
