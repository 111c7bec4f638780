"""How good the checks are: notes that are known to be true or false, and what became of them."""

from grounding.evaluation.halves import Half, half_of
from grounding.evaluation.injection import Attack, planted, read_attacks, refused_true
from grounding.evaluation.metamorphic import Kind, examine, examine_turned
from grounding.evaluation.scoring import Score, Verdict, commonest_errors, score
from grounding.evaluation.summedits import Sample, judged, read_samples

__all__ = [
    "Attack",
    "Half",
    "Kind",
    "Sample",
    "Score",
    "Verdict",
    "commonest_errors",
    "examine",
    "examine_turned",
    "half_of",
    "judged",
    "planted",
    "read_attacks",
    "read_samples",
    "refused_true",
    "score",
]
