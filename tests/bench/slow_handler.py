"""A handler of 200 ms on 4 partitions with 64 in flight, and what each side loses."""

from __future__ import annotations

from dataclasses import replace

from bench.calls import compare
from bench.harness import Figures, Lab, Result
from bench.losses import NUMBER, losses

LATENCY_S = 0.2


async def measure(lab: Lab) -> Result:
    """Rates beside the asyncio bound; then losses by failure, kill -9 and revocation."""
    latencies = [LATENCY_S] * lab.scaled(1_500, least=192)
    result, rates = await compare(lab, latencies, safe_number=lab.scaled(120, least=40))
    sides: dict[str, Figures] = {name: dict(figures) for name, figures in rates.items()}
    lost = await losses(lab, [name for name in sides if name != "asyncio bound"])
    for name, figures in lost.items():
        sides[name] = {**sides[name], **figures}
    note = (
        f"lost, repeated: of {NUMBER} messages, when every twentieth handler fails, when the "
        "process is killed with -9, when a second member takes partitions over; each by a run"
    )
    return replace(result, sides=sides, notes=(*result.notes, note))
