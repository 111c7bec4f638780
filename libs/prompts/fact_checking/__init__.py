"""Prompt formats of published fact-checking models: a claim and its evidence in, a ruling out.

``FORMATS`` has them by name. Pure: nothing here calls a model.
"""

from prompts.fact_checking.claims import (
    FactCheckRequest,
    FactCheckRuling,
    FactCheckVerdict,
    RawFactCheckReply,
    SpokenLine,
    TokenProbabilities,
)
from prompts.fact_checking.formats import FORMATS, FactCheckPromptFormat, validate_format_name

__all__ = [
    "FORMATS",
    "FactCheckPromptFormat",
    "FactCheckRequest",
    "FactCheckRuling",
    "FactCheckVerdict",
    "RawFactCheckReply",
    "SpokenLine",
    "TokenProbabilities",
    "validate_format_name",
]
