"""Characters that file formats do not take."""

from __future__ import annotations

import re
from typing import Final

_XML_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything that is no ``Char`` of XML 1.0 (fifth edition, 2.2)."""


def remove_xml_illegal_characters(text: str) -> str:
    """Return a text in which what XML 1.0 cannot represent is replaced by U+FFFD."""
    return _XML_ILLEGAL.sub("\ufffd", text)
