"""The drafter and a model that answers over loopback."""

from __future__ import annotations

import asyncio

import pytest

from contracts.transcript import Role, Segment
from enrichment import domain
from enrichment.drafter import NoteDrafter
from grounding import assess_notes
from model_client import ModelClient
from model_client.errors import TruncatedAnswerError
from support.chunks import CHUNK
from support.simulator import simulated

SAID = (
    "We pay 60 pounds a month for heating, and the bill never went down.",
    "I do not trust the installer, because he came 3 times and left early.",
    "The price of the boiler was 4,000 euros, which my sister lent us.",
    "My bill doubled in January after the contract with the supplier ended.",
    "I trust the neighbours more than any company that sells insulation.",
    "Gas prices were lower when the children still lived at home.",
)
TURNS = tuple(
    Segment(number=number, speaker="Ben", role=Role.PARTICIPANT, text=text)
    for number, text in enumerate(SAID, start=4)
)
LONG = CHUNK.model_copy(update={"segments": TURNS})
ALONE = CHUNK.model_copy(update={"segments": TURNS[:1]})


def soon() -> float:
    return asyncio.get_running_loop().time() + 30


async def test_an_answer_that_is_cut_off_is_asked_for_in_parts() -> None:
    rule = {"rules": [{"fault": "cut_off", "times": 1}]}
    async with simulated(rule) as model, ModelClient(model.settings()) as client:
        draft = await NoteDrafter(client).draft(LONG, attempt=1, deadline=soon())
        assert await model.calls() == 3
    judged = assess_notes(draft.notes, LONG)
    assert judged.rejected == ()
    cited = {note.evidence[0].segment for note in judged.accepted}
    parts = domain.split_chunk_in_halves(LONG)
    assert parts is not None
    for part in parts:
        assert cited & {one.number for one in part.segments}
    assert (draft.chunk, draft.prompt_version) == (LONG, domain.PROMPT_VERSION)


async def test_one_turn_whose_answer_is_always_cut_off_is_an_error() -> None:
    rule = {"rules": [{"fault": "cut_off"}]}
    async with simulated(rule) as model, ModelClient(model.settings()) as client:
        with pytest.raises(TruncatedAnswerError):
            await NoteDrafter(client).draft(ALONE, attempt=1, deadline=soon())
        assert await model.calls() == 1
