"""What calls of models are for, as the ledger of calls names it."""

from __future__ import annotations

from typing import Final

DRAFT: Final = "draft"
"""Notes are drafted from a chunk."""

JUDGE: Final = "judge"
"""A judge is asked about a note's statement."""

JUDGE_CONTROL: Final = "judge-control"
"""A judge is asked a question with a known answer."""

AVAILABILITY_CHECK: Final = "availability-check"
"""A model is asked a short question, to tell whether it serves nobody or one request hangs."""

REHEARSAL: Final = "rehearsal"
"""A letter is rehearsed, whatever the call would be for in a replay."""

REPAIR_SUFFIX: Final = "-repair"
"""Behind a purpose: the model is asked to mend the form of an answer to such a call."""
