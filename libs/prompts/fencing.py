"""Fencing of untrusted text as data: JSON, or text without what acts on a chat template."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_SPECIAL: Final = re.compile(
    # Control tokens of chat templates: "<|im_start|>", "</s>", "<<SYS>>", "<start_of_turn>", …
    r"<"
    # Mistral's and Llama 2's, which no angle bracket begins: "[INST]", "[/TOOL_RESULTS]".
    r"|\[(?=/?(?:INST|THINK|ARGS|IMG|[A-Z]+(?:_[A-Z]+)+)\])"
    # Signs nobody sees: controls, marks of direction, fillers, line separators, byte order marks,
    # tags and variation selectors in which text can be hidden. Joiners and the selectors that
    # emoji and scripts need are left as they are. Surrogates cannot be sent as UTF-8.
    "|[\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)


def encode_safe_json(document: Any) -> str:
    r"""Encode a document for a prompt as JSON; control tokens and hidden characters are escaped.

    Such signs are written as escapes: ``<|im_end|>`` as ``\u003c|im_end|>``. It is still the same
    document, but no tokenizer finds a control token in it, and nothing in it is invisible. They
    can only be within strings, as all else that JSON is made of here is plain ASCII.
    """
    return _SPECIAL.sub(_escaped, json.dumps(document, ensure_ascii=False))


def strip_control_tokens(text: str) -> str:
    """Remove language models' control tokens and hidden characters from a text.

    Brackets that may begin a token are replaced by others that look alike, as there is no escape
    that a model would read back, such as an angle quotation mark for ``<``. Whitespace, line ends
    included, becomes single spaces, so that no part of the text stands at the start of a line.
    """
    return " ".join(_SPECIAL.sub(_replaced, text).split())


_LOOK_ALIKES: Final = {"<": "\u2039", "[": "("}


def _replaced(match: re.Match[str]) -> str:
    return _LOOK_ALIKES.get(match[0], "")


def _escaped(match: re.Match[str]) -> str:
    sign = match[0]
    return f"\\u{ord(sign):04x}" if sign.isascii() else json.dumps(sign)[1:-1]
