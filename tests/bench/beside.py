"""A small interview behind a huge one, shared by the fairness measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.harness import Lab
from bench.storing_service import STORED, Spent, storing
from support.many_interviews import Interview, interview

CHUNKS: Final = 1_560


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that storing took.

    Attributes:
        huge: the huge interview's notes, without the small one.
        huge_chunks: how many chunks those are.
        alone_s: the small interview with nothing else, in seconds.
        beside_s: the small one with the huge one waiting before it, in seconds.
    """

    huge: Spent
    huge_chunks: int
    alone_s: float
    beside_s: float


_taken: dict[Lab, Taken] = {}


async def take(lab: Lab) -> Taken:
    """Store both interviews, once a run for all measures that use it."""
    if lab not in _taken:
        chunks = lab.scaled(CHUNKS, least=20)
        async with storing(lab) as service:
            huge, again, small, alone = _interviews(chunks)
            await service.publish([alone.ingested, *alone.drafts])
            alone_s = await service.work_until(STORED, 1)
            await service.publish([huge.ingested])
            await service.work_until("SELECT count(*) FROM transcripts", 2)
            service.spent = Spent()
            await service.publish(huge.drafts)
            await service.work_until(STORED, 1 + chunks)
            spent = service.spent
            both = (again, small)
            drafts = (draft for one in both for draft in one.drafts)
            await service.publish([*(one.ingested for one in both), *drafts])
            stored = f"{STORED} AND transcript_id = '{small.ingested.transcript_id}'"
            beside_s = await service.work_until(stored, 1)
            assert await service.set_aside() == 0
        _taken[lab] = Taken(spent, chunks, alone_s, beside_s)
    return _taken[lab]


def _interviews(chunks: int) -> tuple[Interview, Interview, Interview, Interview]:
    huge, again = (interview(number, chunks) for number in (1, 2))
    small, alone = (interview(number, 1) for number in (3, 4))
    return huge, again, small, alone
