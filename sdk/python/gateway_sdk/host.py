"""What a plugin may ask of the gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast, overload

from . import _backend, _json
from ._types import kind_of
from .content import Root, ToolResult
from .errors import CallError, ConfigError, InvalidArguments

Level = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
Value = TypeVar("Value")


def log(message: object, level: Level = "info") -> None:
    """Writes a line to the gateway's log. What passes the plugin's log limit is dropped.

    Outside of the gateway it goes to standard error.
    """
    _backend.current.log(level, str(message))


def progress(progress: float, total: float | None = None, message: str | None = None) -> None:
    """Tells the caller how far the call is, if it asked to be told.

    ``progress`` has to grow from one report to the next, up to ``total`` where that is known; a report that does not is
    dropped. Outside of the gateway it does nothing.
    """
    _backend.current.progress(progress, total, message)


def cancelled() -> bool:
    """True from the moment on when the caller has cancelled this call.

    A tool that works for long asks from time to time, and raises ``Cancelled``; one that goes on all the same is ended.
    """
    return _backend.current.cancelled()


@overload
def config() -> Any: ...


@overload
def config(kind: type[Value]) -> Value: ...


def config(kind: Any = None) -> Any:
    """The plugin's ``config`` from ``gateway.yaml``, ``None`` where there is none.

    With a dataclass or a ``TypedDict`` it is read as one; where there is no ``config`` it is made of its defaults.

    Raises:
        ConfigError: It does not fit.
    """
    value = json.loads(_backend.current.config())
    if kind is None:
        return value
    try:
        return kind_of(kind).read({} if value is None else value, "config")
    except InvalidArguments as error:
        raise ConfigError(str(error)) from None


def call_tool(name: str, arguments: Any = None, /, **named: Any) -> ToolResult:
    """Calls a tool of the gateway by its public name, such as ``filesystem__read_text_file``.

    It has to be one that the plugin was granted (``permissions.tools``) and that the caller's role may see. The arguments
    are a mapping, or are given by name. The time of this call and its cancellation hold for the nested one too. A tool
    that ran and failed raises nothing: look at ``is_error``. ``structured`` holds what JSON knows.

    Raises:
        CallError: The tool gave no result.
    """
    arguments = _json.write(named if arguments is None else arguments)
    result = _backend.current.call_tool(name, arguments)
    if result.structured is not None:
        result.structured = json.loads(result.structured)
    return result


@dataclass
class Elicitation(Generic[Value]):
    """What the user made of a question.

    Attributes:
        action: ``accept`` (answered), ``decline`` (said no) or ``cancel`` (closed without an answer).
        value: The answer, where there is one.
    """

    action: Literal["accept", "decline", "cancel"]
    value: Value | None = None


@overload
def elicit(message: str, kind: type[Value]) -> Elicitation[Value]: ...


@overload
def elicit(message: str, kind: Mapping[str, Any]) -> Elicitation[dict[str, Any]]: ...


def elicit(message: str, kind: Any) -> Elicitation[Any]:
    """Asks the user. Needs ``elicitation`` in ``permissions.client``.

    The time of this call stands still while the user thinks.

    Args:
        message: What is asked, and what for.
        kind: A dataclass or a ``TypedDict`` whose members are texts, numbers, booleans or enumerations, or the JSON Schema
            of such an object.

    Raises:
        CallError: Nobody was asked, or the answer does not fit.
    """
    known = None if isinstance(kind, Mapping) else kind_of(kind)
    schema = kind if known is None else known.schema
    action, answer = _backend.current.elicit(message, _json.write(schema))
    value = None if answer is None else json.loads(answer)
    if known is not None and value is not None:
        try:
            value = known.read(value, "")
        except InvalidArguments as error:
            raise CallError("failed", f"the answer does not fit: {error}") from None
    return Elicitation(cast(Any, action), value)


def sample(request: Mapping[str, Any]) -> dict[str, Any]:
    """Asks the client's model (MCP ``sampling/createMessage``). Needs ``sampling`` in ``permissions.client``.

    Args:
        request: The ``params`` of that method: ``messages``, ``maxTokens`` and what else it has.

    Returns:
        Its result: ``role``, ``content``, ``model`` and ``stopReason``.

    Raises:
        CallError: It was not asked, or did not answer.
    """
    return cast("dict[str, Any]", json.loads(_backend.current.sample(_json.write(request))))


def list_roots() -> list[Root]:
    """Asks the client where it works (MCP ``roots/list``). Needs ``roots`` in ``permissions.client``.

    Raises:
        CallError: It was not asked, or did not answer.
    """
    return _backend.current.list_roots()
