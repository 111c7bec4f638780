from __future__ import annotations

from typing import Any

import pytest

from contracts.events import NotesStored
from contracts.ids import derive_id
from messaging.broker.results import extract_events

STORED = NotesStored(
    transcript_id=derive_id("t"), revision=1, study_id="s", chunk_id=derive_id("c")
)


@pytest.mark.parametrize(
    ("returned", "events"),
    [
        (None, ()),
        (STORED, (STORED,)),
        ([STORED, STORED], (STORED, STORED)),
        ((one for one in (STORED,)), (STORED,)),
        ({"an": "object"}, None),
        ([STORED, "text"], None),
        ("text", None),
    ],
)
def test_returned_events_are_extracted_in_order_and_nothing_else_is(
    returned: Any, events: tuple[NotesStored, ...] | None
) -> None:
    assert extract_events(returned) == events
