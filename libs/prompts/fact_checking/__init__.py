"""Prompt formats of published fact-checking models: a claim and its evidence in, a ruling out.

``FORMATS`` has them by name. Pure: nothing here calls a model.
"""

from prompts.fact_checking.claims import (
    FactCheckReply,
    FactCheckRequest,
    FactCheckRuling,
    FactCheckVerdict,
    SpokenLine,
    TokenProbabilities,
)
from prompts.fact_checking.formats import FORMATS, FactCheckPromptFormat, validate_format_name

__all__ = [
    "FORMATS",
    "FactCheckPromptFormat",
    "FactCheckReply",
    "FactCheckRequest",
    "FactCheckRuling",
    "FactCheckVerdict",
    "SpokenLine",
    "TokenProbabilities",
    "validate_format_name",
]
