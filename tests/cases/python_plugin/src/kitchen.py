"""Something of everything that the SDK has, for the tests."""

import collections
import random
from typing import Any, Literal, Optional

from gateway_sdk import (
    Annotations,
    CallError,
    Image,
    InvalidArguments,
    Message,
    NotFound,
    Text,
    ToolError,
    call_tool,
    completion,
    config,
    log,
    progress,
    prompt,
    resource,
    resource_template,
    storage,
    tool,
)

_calls = 0


@tool(title="Shout", read_only=True)
def loud(words: str, times: int = 1) -> str:
    """Shout.

    Args:
        words: what
        times: how often
    """
    return words.upper() + "!" * times


@tool
def count() -> int:
    """How many calls this instance has seen."""
    global _calls
    _calls += 1
    return _calls


@tool
def numbers() -> float:
    return random.random()


@tool
def common(text: str) -> dict[str, Any]:
    """Needs a module that the standard library imports only now."""
    return dict(collections.Counter(text).most_common(1))


@tool
def fails(how: Literal["tool", "bug", "invalid"]) -> None:
    if how == "tool":
        raise ToolError("it was late")
    if how == "invalid":
        raise InvalidArguments("how is wrong")
    raise KeyError("soup")


@tool
def picture() -> list[Any]:
    return [Text("a dot", Annotations(["user"])), Image(b"\x01\x02", "image/png")]


@tool
def settings() -> dict[str, Any]:
    return config() or {}


@tool
def reports() -> None:
    progress(1, 2, "half")
    log("from the plugin", "notice")


@tool
def nested(name: str) -> str:
    try:
        return call_tool(name, a=2, b=3).text
    except CallError as error:
        return f"{error.kind}: {error}"


@tool
def remembers(key: str, value: Optional[str] = None) -> dict[str, Any]:
    old = storage.get_text(key)
    if value is not None:
        storage.update(key, lambda _: value)
    return {"old": old, "visits": storage.increment("visits"), "keys": sorted(storage.keys())}


@resource("kitchen:///menu", mime_type="text/plain")
def menu() -> str:
    return "soup"


@resource_template("kitchen:///{dish}/recipe")
def recipe(dish: str) -> bytes:
    if dish != "soup":
        raise NotFound(dish)
    return b"boil it"


@prompt
def review(code: str, language: Optional[str] = None) -> list[Any]:
    """Review code.

    Args:
        code: what to review
    """
    return [f"Review this code: {code}", Message("Gladly.", "assistant")]


@completion("review", "language")
def languages(typed: str, chosen: dict[str, str]) -> list[str]:
    return [name for name in ("python", "pyret", "rust") if name.startswith(typed)]
