"""Web pages that were saved as they are: their mark-up taken off, names and times kept apart."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

# Mark-up of a page that was saved as text.
_HTML_BREAK: Final = re.compile(
    r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|dt|dd|blockquote)>"
    r"|<(?:p|div|li|tr|h[1-6]|dt|dd|blockquote)(?=[\s>])",
    re.IGNORECASE,
)
_HTML_CELL: Final = re.compile(r"</t[dh]>\s*(?=<t[dh])", re.IGNORECASE)
_HTML: Final = re.compile(
    r"</?(?:b|i|u|em|strong|p|br|span|div|font|li|ul|ol|table|tbody|thead|tr|td|th|html|body|a"
    r"|section|article|main|header|footer|h[1-6]|dl|dt|dd|blockquote|cite|time|small|sup|sub"
    r"|figure|button|nav|aside|img|hr|meta|link|mark|code|pre|details|summary|[ovw]:[a-z]{1,20})(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
# `<span class="speaker">[Ada] </span>`, as editors that keep words in spans write names.
_HTML_SPEAKER: Final = re.compile(
    r"<(?P<tag>(?:author|speaker)\b|(?:span|div|p|h[1-6]|strong|b|td|dt|a|label)\s[^<>]{0,200}\bclass="
    r"[\"'](?:[\w-]{1,40} ){0,3}(?:[\w-]{1,20}[-_]{1,2})?"
    r"(?:speaker|author|sender|user|participant)(?:[-_]{0,2}name)?(?: [\w-]{1,40}){0,3}[\"'])"
    r"[^<>]{0,200}>\s*[\[(]?(?P<name>[^<>\[\]():]{1,80}?)[\])]?:?\s*"
    r"</(?:author|speaker|span|div|p|h[1-6]|strong|b|td|dt|a|label)>",
    re.IGNORECASE,
)
# `<div class="turn" data-start="4.5">`: seconds that the page's player goes to.
_HTML_SECONDS: Final = re.compile(
    r"<(?:div|p|li|section|article|tr|blockquote)\s[^<>]{0,200}\bdata-(?:start|time|timestamp|start-time"
    r"|begin|seconds)=[\"'](?P<seconds>\d{1,6}(?:\.\d{1,6})?)[\"'][^<>]{0,200}>",
    re.IGNORECASE,
)
# What stands beside the talk, by its class: `<div class="action-items">`.
_HTML_BESIDE: Final = re.compile(
    r"<(?:div|section|ul|ol|aside|article)\s[^<>]{0,200}\bclass=[\"'](?:[\w-]{1,40}[ -])?"
    r"(?P<what>summary|action[-_ ]?items|key[-_ ]?points|highlights|next[-_ ]?steps|takeaways"
    r"|tasks)"
    r"(?: [\w-]{1,40})?[\"'][^<>]{0,200}>",
    re.IGNORECASE,
)
_HTML_TIME: Final = re.compile(r"(?=<time[\s>])|(?<=</time>)", re.IGNORECASE)
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^<>]{0,200}>", re.IGNORECASE)
_STYLE: Final = re.compile(
    r"<(style|script|head|title)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
_LOOKED_AT: Final = 100_000
_PAGE: Final = re.compile(
    r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!DOCTYPE html|html|body)\b", re.IGNORECASE | re.DOTALL
)
_ANY_TAG: Final = re.compile(r"</?[a-z][a-z0-9:-]{0,40}(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_FEW: Final = 3


def strip_page_markup(content: str) -> str:
    """Return a page's text in lines, with a colon behind names that the page marks as such.

    A text that is no page stays as it is.
    """
    if len(_HTML.findall(content, 0, _LOOKED_AT)) < _FEW:
        return content
    is_page = _PAGE.match(content) is not None
    content = _STYLE.sub("", _DOCTYPE.sub("", content))
    content = _HTML_BESIDE.sub(lambda found: f"\n\n{_words(found['what'])}\n\n{found[0]}", content)
    if len(_HTML_SECONDS.findall(content)) >= _FEW:
        content = _HTML_SECONDS.sub(
            lambda found: f"{found[0]}\n[{_clock(found['seconds'])}] ", content
        )
    content = _HTML_TIME.sub(" ", _HTML_SPEAKER.sub(_named, content))
    content = _HTML_BREAK.sub(lambda match: f"\n{match[0]}", _HTML_CELL.sub("\t", content))
    # A page may have elements of its own making, such as `<bubble>`.
    tags = _ANY_TAG if is_page else _HTML
    return unescape(tags.sub("", content))


def _named(found: re.Match[str]) -> str:
    name = " ".join(found["name"].split())
    return f"\n{name}: " if name else found[0]


def _words(names: str) -> str:
    return re.sub(r"[-_]", " ", names).capitalize()


def _clock(seconds: str) -> str:
    whole = round(float(seconds) * 1_000)
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 1_000:02}.{rest % 1_000:03}"
