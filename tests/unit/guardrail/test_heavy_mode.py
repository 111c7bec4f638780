from __future__ import annotations

import pytest

from contracts.notes import DraftEvidence, DraftNote
from guardrail.domain import AssessmentOptions, assess_draft
from spacy_models import is_spacy_installed
from support.chunks import CHUNK, drafted

pytestmark = pytest.mark.skipif(
    not is_spacy_installed(), reason="the extra heavy-grounding is not there"
)


def test_the_heavy_mode_sees_who_did_it_to_whom_and_the_light_one_does_not() -> None:
    turn = CHUNK.segments[0].model_copy(update={"text": "The manager fired Anna in May."})
    swapped = DraftNote(
        statement="Anna fired the manager in May.",
        evidence=(DraftEvidence(segment=turn.number),),
        themes=("cost",),
    )
    chunk = CHUNK.model_copy(update={"segments": (turn,)})
    draft = drafted(swapped).model_copy(update={"chunk": chunk})
    (light,), (heavy,) = assess_draft(draft), assess_draft(draft, AssessmentOptions(heavy=True))
    assert "roles_swapped" not in [one.check for one in light.failures]
    assert "roles_swapped" in [one.check for one in heavy.failures]
