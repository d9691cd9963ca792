"""Resources: functions that give what a client reads by address."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

from . import _json
from ._plugin import plugin
from ._signature import Signature
from ._types import from_text
from .content import Annotations, ResourceContents
from .errors import InvalidArguments, NotFound

Function = TypeVar("Function", bound=Callable[..., Any])
_VARIABLE = re.compile(r"\{(\+?)(\w+)\}")


class Resource:
    """A resource as the gateway sees it."""

    def __init__(self, function: Callable[..., Any], uri: str, **shown: Any) -> None:
        self._signature = Signature(function)
        self.uri = uri
        self.name: str = shown["name"] or self._signature.name
        self.title: str | None = shown["title"]
        self.description: str | None = self._signature.description or None
        self.mime_type: str | None = shown["mime_type"]
        self.annotations: Annotations | None = shown["annotations"]
        if self._signature.required:
            raise TypeError(f"{self._signature.name}: a resource takes no arguments; declare a template")

    def read(self) -> list[ResourceContents]:
        """What the function gives."""
        return contents(self._signature.call(self._signature.read({})), self.uri, self.mime_type)


class Template:
    """A family of resources as the gateway sees it."""

    def __init__(self, function: Callable[..., Any], uri_template: str, **shown: Any) -> None:
        self._signature = Signature(function)
        self.uri_template = uri_template
        self.name: str = shown["name"] or self._signature.name
        self.title: str | None = shown["title"]
        self.description: str | None = self._signature.description or None
        self.mime_type: str | None = shown["mime_type"]
        self.annotations: Annotations | None = shown["annotations"]
        names = [match[2] for match in _VARIABLE.finditer(uri_template)]
        if sorted(names) != sorted(self._signature.kinds):
            raise TypeError(f"{self._signature.name}: the parameters have to be the variables of {uri_template}")
        self._pattern = _pattern(uri_template)

    def read(self, uri: str) -> list[ResourceContents] | None:
        """What the function gives for this address; nothing where it is none of the family."""
        match = self._pattern.fullmatch(uri)
        if match is None:
            return None
        kinds = self._signature.kinds
        try:
            values = {name: from_text(kinds[name], unquote(text), name) for name, text in match.groupdict().items()}
        except InvalidArguments:
            # An address that does not fit is that of nothing.
            return None
        return contents(self._signature.call(values), uri, self.mime_type)


def resource(
    uri: str,
    *,
    name: str | None = None,
    title: str | None = None,
    mime_type: str | None = None,
    annotations: Annotations | None = None,
) -> Callable[[Function], Function]:
    """Makes a resource of a function without parameters: what it returns can be read at ``uri``.

    It returns a text, bytes, a list of ``ResourceContents``, or anything else as JSON, and raises ``NotFound`` where there
    is nothing. Its docstring is the description.

    Args:
        uri: The address.
        name: Its name for programs, where it is not the function's.
        title: Its name for people.
        mime_type: Its media type.
        annotations: Whom it is for, and how much it matters.
    """

    def declare(function: Function) -> Function:
        declared = Resource(function, uri, name=name, title=title, mime_type=mime_type, annotations=annotations)
        plugin.add("resource", plugin.resources, uri, declared)
        return function

    return declare


def resource_template(
    uri_template: str,
    *,
    name: str | None = None,
    title: str | None = None,
    mime_type: str | None = None,
    annotations: Annotations | None = None,
) -> Callable[[Function], Function]:
    """Makes a family of resources of a function: each ``{variable}`` of the address is a parameter.

    ``{variable}`` is a part of the address without ``/``, ``{+variable}`` may hold some. Parameters that are no texts are
    read from it, and an address where that fails is not found. The rest is as with ``resource``.
    """

    def declare(function: Function) -> Function:
        declared = Template(function, uri_template, name=name, title=title, mime_type=mime_type, annotations=annotations)
        plugin.add("template", plugin.templates, uri_template, declared)
        return function

    return declare


def read(uri: str) -> list[ResourceContents]:
    """The resource at ``uri``.

    Raises:
        NotFound: There is none.
    """
    known = plugin.resources.get(uri)
    if known is not None:
        return known.read()
    for template in plugin.templates.values():
        found = template.read(uri)
        if found is not None:
            return found
    raise NotFound(uri)


def contents(value: Any, uri: str, mime_type: str | None) -> list[ResourceContents]:
    """What a function returned, as contents."""
    if isinstance(value, ResourceContents):
        return [value]
    if isinstance(value, list) and value and all(isinstance(each, ResourceContents) for each in value):
        return value
    if isinstance(value, (str, bytes)):
        return [ResourceContents(uri, value, mime_type)]
    return [ResourceContents(uri, _json.write(value), mime_type or "application/json")]


def _pattern(uri_template: str) -> re.Pattern[str]:
    pattern, end = "", 0
    for match in _VARIABLE.finditer(uri_template):
        pattern += re.escape(uri_template[end : match.start()])
        pattern += f"(?P<{match[2]}>{'.+' if match[1] else '[^/]+'})"
        end = match.end()
    return re.compile(pattern + re.escape(uri_template[end:]))
