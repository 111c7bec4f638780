"""How good the checks are: notes that are known to be true or false, and what became of them."""

from grounding.evaluation.halves import Half, half_of
from grounding.evaluation.metamorphic import Kind, examine
from grounding.evaluation.scoring import Score, Verdict, commonest_errors, score
from grounding.evaluation.summedits import Sample, judged, read_samples

__all__ = [
    "Half",
    "Kind",
    "Sample",
    "Score",
    "Verdict",
    "commonest_errors",
    "examine",
    "half_of",
    "judged",
    "read_samples",
    "score",
]
