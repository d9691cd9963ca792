"""The component's side of `filter`, of a plugin that has one."""

from __future__ import annotations

import json
from typing import Any

from wit_world.exports import filter as exported

from . import _json
from ._plugin import plugin
from .content import ToolCall
from .errors import Refused


class Filter:
    """The interface `filter`. What a function raises beside `Refused` ends the instance, and so lets nothing through."""

    def before(self, call: Any) -> Any:
        try:
            rewritten = plugin.before(_call(call)) if plugin.before else None
        except Refused as error:
            return exported.Decision_Refuse(str(error))
        return exported.Decision_Proceed() if rewritten is None else exported.Decision_Rewrite(_json.write(rewritten))

    def after(self, call: Any, tool_result: str) -> Any:
        if plugin.after is None:
            return exported.Verdict_Keep()
        try:
            replaced = plugin.after(_call(call), json.loads(tool_result))
        except Refused as error:
            return exported.Verdict_Withhold(str(error))
        return exported.Verdict_Keep() if replaced is None else exported.Verdict_Replace(_json.write(replaced))


def _call(call: Any) -> ToolCall:
    return ToolCall(call.name, json.loads(call.arguments), call.role)
