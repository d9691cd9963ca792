"""Prompts, and what completes their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

from ._plugin import plugin
from ._signature import Signature
from ._types import from_text
from .content import Audio, EmbeddedResource, Image, Message, ResourceLink, Text
from .errors import NotFound

Function = TypeVar("Function", bound=Callable[..., Any])
Completer = Callable[[str, dict[str, str]], Sequence[str]]
_CONTENT = (str, Text, Image, Audio, ResourceLink, EmbeddedResource)


class Prompt:
    """A prompt as the gateway sees it."""

    def __init__(self, function: Callable[..., Any], name: str | None, title: str | None) -> None:
        self._signature = Signature(function)
        self.name = name or self._signature.name
        self.title = title
        self.description = self._signature.description or None

    def arguments(self) -> list[tuple[str, str | None, bool]]:
        """The arguments: name, description, and whether it is required."""
        signature = self._signature
        text = {name: kind.schema.get("description") for name, kind in signature.kinds.items()} | signature.texts
        return [(name, text[name], name in signature.required) for name in signature.kinds]

    def get(self, arguments: dict[str, str]) -> list[Message]:
        """Fills the prompt.

        Raises:
            InvalidArguments: They do not fit.
        """
        kinds = self._signature.kinds
        known = {name: from_text(kinds[name], text, name) for name, text in arguments.items() if name in kinds}
        # What is left out is looked at by the signature; what is there was read already.
        missing = self._signature.missing(known)
        value = self._signature.call({**missing, **known})
        values = value if isinstance(value, (list, tuple)) else [value]
        return [_message(each) for each in values]


@overload
def prompt(function: Function, /) -> Function: ...


@overload
def prompt(*, name: str | None = None, title: str | None = None) -> Callable[[Function], Function]: ...


def prompt(function: Any = None, /, *, name: str | None = None, title: str | None = None) -> Any:
    """Makes a prompt of a function: a text for people to choose and fill.

    The parameters are what it is filled with. The gateway hands over texts; parameters of other types are read from them.
    It returns a text or content, a ``Message``, or a list of these. The docstring is read as with ``tool``.

    Args:
        name: The prompt's name, where it is not the function's.
        title: A name for people.
    """

    def declare(function: Function) -> Function:
        declared = Prompt(function, name, title)
        plugin.add("prompt", plugin.prompts, declared.name, declared)
        return function

    return declare if function is None else declare(function)


def completion(of: str, argument: str) -> Callable[[Completer], Completer]:
    """Completes an argument of the prompt ``of``, or a variable of the template ``of``, while somebody types.

    The function is called with what was typed so far and with the arguments that are chosen already, and gives the values
    that could be meant, best first.
    """

    def declare(function: Completer) -> Completer:
        plugin.add("completion", plugin.completers, (of, argument), function)
        return function

    return declare


def get(name: str, arguments: dict[str, str]) -> tuple[Prompt, list[Message]]:
    """The prompt of that name, filled.

    Raises:
        NotFound: There is none.
        InvalidArguments: They do not fit.
    """
    known = plugin.prompts.get(name)
    if known is None:
        raise NotFound(name)
    return known, known.get(arguments)


def complete(of: str, argument: str, typed: str, chosen: dict[str, str]) -> list[str]:
    """What could be meant; nothing where nobody completes this argument."""
    completer = plugin.completers.get((of, argument))
    return [] if completer is None else list(completer(typed, chosen))


def _message(value: Any) -> Message:
    if isinstance(value, Message):
        return value
    if isinstance(value, _CONTENT):
        return Message(value)
    raise TypeError(f"a prompt is made of texts, content and messages, not of a {type(value).__name__}")
