"""How long a one-chunk interview takes behind a huge one, against 2 x alone + 5 s."""

from __future__ import annotations

from typing import Final

from bench.beside import CHUNKS, take
from bench.harness import Lab, Result

ALLOWED_S: Final = 5.0
ALLOWED_TIMES: Final = 2.0


async def measure(lab: Lab) -> Result:
    """Both wait when the service goes on; the small one was written last, to every topic."""
    taken = await take(lab)
    return Result(
        figure=taken.beside_s / (ALLOWED_TIMES * taken.alone_s + ALLOWED_S),
        goal=1.0,
        better="lower",
        unit=f"of {ALLOWED_TIMES:g} x the time alone + {ALLOWED_S:g} s",
        sides={
            "one-chunk interview": {
                "alone_s": round(taken.alone_s, 2),
                "beside_s": round(taken.beside_s, 2),
            }
        },
        notes=(f"beside an interview of {CHUNKS} chunks with 5 notes each",),
    )
