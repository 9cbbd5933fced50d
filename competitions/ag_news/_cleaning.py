"""News texts without what their collecting left behind: entities, tags and backslashes."""

from __future__ import annotations

import html
import re

NUMBERED = re.compile(r"[ &]#(\d{1,6});")
NAMED = re.compile(r"[ &](quot|amp|lt|gt|nbsp|hellip|[lr]squo|[lr]dquo|[mn]dash|eacute|egrave|uuml|ouml|pound|euro);")
TAG = re.compile(
    r"</?(?:a|b|big|br|center|cite|div|em|font|h\d|hr|i|img|li|nobr|ol|p|small|span|strong|sub|sup|table|td|tr|u|ul)"
    r"\b[^<>]{0,400}(?:>|$)",
    re.IGNORECASE,
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff]")


def cleaned(text: str) -> str:
    """`text` as a reader would see it, with single spaces and none at its ends.

    The collectors wrote a space for the `&` of most entities: ` #39;` is an apostrophe, and ` #36;5`, behind another
    space, is `$5`. A backslash stands before a dollar or a quotation mark, and elsewhere in place of a line's end. Tags
    of HTML go, and what looks like one and is none stays: `<MSFT.O>` is a share. Agencies' prefixes stay too.
    """
    text = NUMBERED.sub(lambda found: _character(int(found[1])), text)
    text = NAMED.sub(lambda found: html.unescape(f"&{found[1]};"), text)
    text = html.unescape(text)
    text = TAG.sub(" ", text)
    text = re.sub(r'\\([$"])', r"\1", text).replace("\\", " ")
    return " ".join(CONTROL.sub(" ", text).split())


def _character(number: int) -> str:
    """The character that an entity of this number stands for; 128 to 159 are Windows's, as browsers read them."""
    return html.unescape(f"&#{number};")
