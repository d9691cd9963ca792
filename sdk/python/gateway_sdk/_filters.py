"""Filters: functions that see the calls of other tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from ._plugin import plugin
from .content import ToolCall

Before = Callable[[ToolCall], Optional[dict[str, Any]]]
After = Callable[[ToolCall, dict[str, Any]], Optional[dict[str, Any]]]


def before(function: Before) -> Before:
    """Sees each call before it runs.

    The function returns nothing where the call goes on as it is, or the arguments that take the place of its own, and
    raises ``Refused`` to end it. Any other exception refuses the call too.
    """
    if plugin.before is not None:
        raise ValueError("there are two functions with @before")
    plugin.before = function
    return function


def after(function: After) -> After:
    """Sees what each call gave: MCP's ``CallToolResult`` as a dict, nothing left out.

    The function returns nothing where the result goes on as it is, or the one that takes its place, and raises ``Refused``
    to withhold it. Any other exception withholds it too.
    """
    if plugin.after is not None:
        raise ValueError("there are two functions with @after")
    plugin.after = function
    return function
