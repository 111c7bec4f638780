"""How fast one huge interview is stored."""

from __future__ import annotations

from bench.beside import CHUNKS, take
from bench.harness import Lab, Result


async def measure(lab: Lab) -> Result:
    """Its transcript first, then all its notes; one of 20 MB has that many chunks."""
    taken = await take(lab)
    return Result(
        figure=taken.huge_chunks / taken.huge.wall_s,
        goal=50.0,
        better="higher",
        unit="chunks/s of one interview, 5 notes each",
        sides={
            "huge interview": {
                "seconds": round(taken.huge.wall_s, 2),
                "service_cpu_s": round(taken.huge.service_cpu_s, 2),
                "database_cpu_s": round(taken.huge.database_cpu_s, 2),
            }
        },
        notes=(f"{CHUNKS} chunks",),
    )
