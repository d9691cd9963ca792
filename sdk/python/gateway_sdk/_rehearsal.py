"""Calls of tools that nobody declared, while the component is built.

The interpreter learns from the first calls of a function what it works on, and is quicker from then on. In a component each
call would be the first one: what is learned here is there in all of them. Only the SDK's own functions can be called, as
nobody knows what the plugin's would do.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ._plugin import plugin
from ._tools import Tool
from .errors import ToolError

TIMES = 20
"""After how many calls nothing more is learned."""


@dataclasses.dataclass
class Example:
    """What a tool may return."""

    count: int
    names: dict[str, int]


def _structured(text: str, number: int = 3, share: float = 0.5, names: list[str] | None = None) -> Example:
    return Example(number, {text: number})


def _plain(text: str, number: int = 3) -> str:
    return text


def _failing(text: str) -> str:
    raise ToolError(text)


def rehearse(interface: Any) -> None:
    """Calls tools by the interface `tool`, which stays as it is."""
    declared = dict(plugin.tools)
    for function in (_structured, _plain, _failing):
        plugin.tools[function.__name__] = Tool(function, None, None, {})
    for _ in range(TIMES):
        interface.call_tool(_structured.__name__, '{"text": "a", "number": 1, "share": 2.5, "names": ["a"]}')
        interface.call_tool(_plain.__name__, '{"text": "a"}')
        interface.call_tool(_failing.__name__, '{"text": "a"}')
    plugin.tools.clear()
    plugin.tools.update(declared)
