"""XML documents of transcripts: parsing, and names without their namespaces.

Entities can make a small file a large one, so documents that declare any are refused.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from transcripts.errors import MalformedTranscriptError

HEAD_LENGTH: Final = 2_000
"""Characters at the beginning of a document in which its root element is looked for."""

_TAG: Final = re.compile(r"\ufeff?\s*<")
_ROOT: Final = re.compile(r"<(?:[\w.-]{1,40}:)?(?P<name>[A-Za-z_][\w.-]{0,60})(?=[\s/>])")
_DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# Transcriber names its grammar, `<!DOCTYPE Trans SYSTEM "trans-14.dtd">`; it is never loaded.
_OUTER_DOCTYPE: Final = re.compile(
    r"<!DOCTYPE\s+[\w:.-]{1,60}(?:\s+(?:SYSTEM|PUBLIC)(?:\s+\"[^\"<>]{0,300}\"){1,2})?\s*>"
)


def starts_with_tag(content: str) -> bool:
    """Return whether a text begins with an XML or HTML tag."""
    return _TAG.match(content) is not None


def has_root_element(content: str, *names: str) -> bool:
    """Return whether an XML text's root element has one of the given local names."""
    if not starts_with_tag(content):
        return False
    root = _ROOT.search(content, 0, HEAD_LENGTH)
    return root is not None and root["name"] in names


def parse_xml(content: str) -> ET.Element:
    """Parse an XML document and return its root element; raise if it declares entities.

    Raises:
        MalformedTranscriptError: it is no XML, or declares a document type or entities.
    """
    text = content.removeprefix("\ufeff").strip()
    doctype = _OUTER_DOCTYPE.search(text, 0, HEAD_LENGTH)
    if doctype is not None:
        text = text[: doctype.start()] + text[doctype.end() :]
    if _DECLARES.search(text):
        raise MalformedTranscriptError("the XML declares entities or a document type of its own")
    try:
        return ET.fromstring(text)  # noqa: S314 - declarations are refused
    except ET.ParseError as error:
        line, column = error.position
        raise MalformedTranscriptError(
            f"line {line}, column {column + 1}: not valid XML", line=line
        ) from None
    except (ValueError, RecursionError):
        raise MalformedTranscriptError("not usable XML") from None


def get_local_name(element: ET.Element) -> str:
    """Return an XML element's name without its namespace; "" for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def get_attribute(element: ET.Element, name: str) -> str:
    """Return an XML attribute's value, ignoring its namespace; "" if it is absent."""
    return next(
        (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), ""
    )
