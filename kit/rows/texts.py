"""What a text says, apart from how it was typed: links, mentions, hashtags, and what makes two texts one."""

import html
import re

LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
MENTION = re.compile(r"@\w+")
HASHTAG = re.compile(r"#(\w+)")


def normalised(text: str) -> str:
    """The text by which texts are told to repeat each other: without links and mentions, in lower case, single spaces.

    A text of nothing but links and mentions gives an empty one.
    """
    return " ".join(MENTION.sub(" ", LINK.sub(" ", html.unescape(text))).lower().split())


def hashtags(text: str) -> list[str]:
    """The hashtags of a text in their order, without `#`."""
    return HASHTAG.findall(text)
