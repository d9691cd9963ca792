"""Functions: what stands in their signature and docstring, and calls with what JSON gave."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from . import _docs
from ._types import Kind, Member, Schema, Unsupported, kind_of, object_schema, read_object
from .errors import InvalidArguments


class Signature:
    """A function that is called with a JSON object.

    Attributes:
        name: The function's name.
        description: Its docstring without the parameters.
        texts: What the docstring says about each parameter.
        kinds: The types of the parameters.
        required: The parameters that have to be given.
        returns: The type hint of what it returns; ``Any`` where there is none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        self.description, self.texts = _docs.parse(function.__doc__)
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"{self.name}: neither async functions nor generators can be called by the gateway")
        hints = typing.get_type_hints(function, include_extras=True)
        self.returns: Any = hints.pop("return", Any)
        self.kinds: dict[str, Kind] = {}
        self.required: set[str] = set()
        self._defaults: dict[str, Any] = {}
        self._positional: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            self._add(parameter, hints)
        self._members = {name: Member(kind, name in self.required) for name, kind in self.kinds.items()}

    def _add(self, parameter: inspect.Parameter, hints: dict[str, Any]) -> None:
        name = parameter.name
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise TypeError(f"{self.name}: {parameter} cannot be filled; name each parameter")
        if name not in hints:
            raise TypeError(f"{self.name}: the parameter {name} has no type hint")
        try:
            self.kinds[name] = kind_of(hints[name])
        except Unsupported as error:
            raise TypeError(f"{self.name}: the parameter {name}: {error}") from None
        if parameter.default is not inspect.Parameter.empty:
            self._defaults[name] = parameter.default
        elif self.kinds[name].may_be_missing:
            self._defaults[name] = None
        else:
            self.required.add(name)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            self._positional.append(name)

    def schema(self) -> Schema:
        """The schema of the arguments."""
        schema = object_schema(self.kinds, self.required, self._defaults, self.texts)
        return {**schema, "additionalProperties": False}

    def read(self, arguments: Any) -> dict[str, Any]:
        """The arguments, each as its parameter takes it.

        Raises:
            InvalidArguments: They do not fit.
        """
        unknown = [name for name in arguments if name not in self.kinds] if isinstance(arguments, dict) else []
        if unknown:
            known = ", ".join(f"`{name}`" for name in self.kinds) or "there are no arguments"
            raise InvalidArguments(f"`{unknown[0]}` is no argument: {known}")
        return {**self._defaults, **read_object(arguments, "", self._members)}

    def missing(self, given: dict[str, Any]) -> dict[str, Any]:
        """The defaults of the parameters that were not given.

        Raises:
            InvalidArguments: One has none.
        """
        lacking = [name for name in self.kinds if name in self.required and name not in given]
        if lacking:
            raise InvalidArguments(f"`{lacking[0]}` is missing")
        return {name: value for name, value in self._defaults.items() if name not in given}

    def call(self, arguments: dict[str, Any]) -> Any:
        """Calls the function with what `read` gave."""
        positional = [arguments.pop(name) for name in self._positional]
        return self.function(*positional, **arguments)
