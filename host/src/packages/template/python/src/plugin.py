"""The tools of {{name}}: every function with `@tool` is one."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from gateway_sdk import ToolError, tool


@dataclass
class Words:
    """How often words occur in a text.

    Attributes:
        total: All words of the text.
        frequent: The most frequent ones, and how often each occurs.
    """

    total: int
    frequent: dict[str, int]


@tool(title="Count words", read_only=True, idempotent=True, open_world=False)
def count(text: str, most: Annotated[int, {"minimum": 1, "maximum": 100}] = 3) -> Words:
    """Count the words of a text, and tell which of them are frequent.

    Args:
        text: the text
        most: how many of the frequent words to tell
    """
    words = text.lower().split()
    if not words:
        raise ToolError("there are no words in this text")
    return Words(len(words), dict(Counter(words).most_common(most)))
