"""Tools: functions that `@tool` was written above."""

from __future__ import annotations

import json
import traceback
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

from . import _backend, _json
from ._plugin import plugin
from ._signature import Signature
from ._types import Unsupported, kind_of
from .content import Audio, Content, EmbeddedResource, Image, ResourceLink, Text, ToolResult
from .errors import CallError, Cancelled, InvalidArguments, ToolError

Function = TypeVar("Function", bound=Callable[..., Any])
_CONTENT = (Text, Image, Audio, ResourceLink, EmbeddedResource)


class Answer(NamedTuple):
    """A result, with its structured content as JSON text."""

    content: list[Content | str]
    structured: str | None = None
    is_error: bool = False


class Tool:
    """A tool as the gateway sees it: its definition, and the way to call it."""

    def __init__(
        self, function: Callable[..., Any], name: str | None, title: str | None, hints: Mapping[str, bool | None]
    ) -> None:
        self._signature = Signature(function)
        self.name = name or self._signature.name
        self.title = title
        self.description = self._signature.description or None
        self.hints = hints
        self.input_schema = _json.write(self._signature.schema())
        self.output_schema: str | None = None
        self._with_text = False
        self._structured = False
        self._look_at(self._signature.returns)

    def _look_at(self, hint: Any) -> None:
        """Finds out whether results are structured: a dataclass, a `TypedDict`, a dict, or a text beside one."""
        arguments = typing.get_args(hint)
        if typing.get_origin(hint) is tuple and len(arguments) == 2 and arguments[0] is str:
            self._with_text, hint = True, arguments[1]
        if isinstance(hint, type) and issubclass(hint, (ToolResult, *_CONTENT)):
            return
        try:
            schema = kind_of(hint, output=True).schema
        except Unsupported:
            schema = {}
        self._structured = schema.get("type") == "object"
        self._with_text &= self._structured
        if self._structured:
            self.output_schema = _json.write(schema)

    def call(self, arguments: str) -> Answer:
        """Calls the tool with the text of a JSON object. What the function raises is a result too.

        Raises:
            InvalidArguments: They do not fit.
            Cancelled: The function stopped, since the call was cancelled.
        """
        values = self._signature.read(json.loads(arguments))
        try:
            return self._result(self._signature.call(values))
        except (InvalidArguments, Cancelled):
            raise
        except CallError as error:
            if error.kind == "cancelled":
                raise Cancelled from error
            return _failed(str(error))
        except ToolError as error:
            return _failed(str(error))
        except Exception as error:
            _backend.current.log("error", f"{self.name}: {traceback.format_exc()}")
            return _failed(f"{type(error).__name__}: {error}")

    def _result(self, value: Any) -> Answer:
        if isinstance(value, ToolResult):
            structured = None if value.structured is None else _json.write(value.structured)
            return Answer(value.content, structured, value.is_error)
        if self._with_text:
            return Answer([value[0]], _json.write(value[1]))
        if self._structured:
            text = _json.write(value)
            return Answer([text], text)
        if value is None:
            return Answer([])
        if isinstance(value, (str, *_CONTENT)):
            return Answer([value])
        if isinstance(value, (list, tuple)) and value and all(isinstance(piece, _CONTENT) for piece in value):
            return Answer(list(value))
        return Answer([_json.write(value)])


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    open_world: bool | None = None,
) -> Callable[[Function], Function]: ...


def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    title: str | None = None,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    open_world: bool | None = None,
) -> Any:
    """Makes a tool of a plain function, which stays one.

    The docstring is the description, which the model chooses by; what it says of each parameter (Google, NumPy or Sphinx
    style), or a text in ``Annotated``, is that parameter's. The type hints are the schema: ``str``, ``int``, ``float``,
    ``bool``, ``list``, ``dict[str, T]``, ``tuple``, ``set``, ``Optional``, unions, ``Literal``, enumerations, dataclasses,
    ``TypedDict``, dates and times. A mapping in ``Annotated`` holds further keywords of JSON Schema, such as
    ``Annotated[int, {"minimum": 1}]``, which the gateway checks before the call.

    What the function returns is the result: texts and numbers as text; a dataclass, a ``TypedDict`` or a dict as
    structured content with an output schema, and ``tuple[str, T]`` as that with a text of its own beside it; content, a
    list of it, or a whole ``ToolResult``.

    Args:
        name: The tool's name, where it is not the function's.
        title: A name for people.
        read_only: It changes nothing.
        destructive: What it changes may be lost.
        idempotent: A second call changes nothing more.
        open_world: It reaches things outside of the plugin, such as the web.
    """
    hints = {"read_only": read_only, "destructive": destructive, "idempotent": idempotent, "open_world": open_world}

    def declare(function: Function) -> Function:
        declared = Tool(function, name, title, hints)
        plugin.add("tool", plugin.tools, declared.name, declared)
        return function

    return declare if function is None else declare(function)


def _failed(text: str) -> Answer:
    return Answer([text], is_error=True)
