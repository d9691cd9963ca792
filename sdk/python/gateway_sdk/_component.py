"""The component's side of ``gateway:plugin``: from the SDK's types to the generated ones and back.

With `_component_filter` and `_component_storage` the only part that knows the WIT. componentize-py looks for a class for each interface
that is exported; the build writes a module that imports those which are needed.
"""

from __future__ import annotations

import gc
from typing import Any

from componentize_py_types import Err
from wit_world.imports import host, types

from . import _backend, _preload, _prompts, _random, _rehearsal, _resources
from ._plugin import plugin
from .content import (
    Annotations,
    Audio,
    Content,
    EmbeddedResource,
    Image,
    Message,
    ResourceContents,
    ResourceLink,
    Root,
    Text,
    ToolResult,
)
from .errors import CallError, Cancelled, InvalidArguments, NotFound

_KINDS: dict[Any, Any] = {
    types.CallError_UnknownTool: "unknown-tool",
    types.CallError_Denied: "denied",
    types.CallError_Unsupported: "unsupported",
    types.CallError_Cancelled: "cancelled",
    types.CallError_Limit: "limit",
    types.CallError_Failed: "failed",
}
_LEVELS = {level.name.lower(): level for level in types.LogLevel}
_ROLES = {"user": types.Role.USER, "assistant": types.Role.ASSISTANT}


class Tool:
    """The interface `tool`."""

    def list_tools(self) -> list[Any]:
        return [
            types.ToolDefinition(
                tool.name,
                tool.title,
                tool.description,
                tool.input_schema,
                tool.output_schema,
                types.ToolAnnotations(**tool.hints) if any(hint is not None for hint in tool.hints.values()) else None,
            )
            for tool in plugin.tools.values()
        ]

    def call_tool(self, name: str, arguments: str) -> Any:
        tool = plugin.tools.get(name)
        if tool is None:
            raise Err(types.ToolError_UnknownTool(name))
        try:
            answer = tool.call(arguments)
        except InvalidArguments as error:
            raise Err(types.ToolError_InvalidArguments(str(error))) from None
        except Cancelled:
            raise Err(types.ToolError_Cancelled()) from None
        return types.ToolResult([_content(piece) for piece in answer.content], answer.structured, answer.is_error)


class Resources:
    """The interface `resources`."""

    def list_resources(self) -> list[Any]:
        return [
            types.ResourceLink(
                each.uri, each.name, each.title, each.description, each.mime_type, None, _annotations(each.annotations)
            )
            for each in plugin.resources.values()
        ]

    def list_resource_templates(self) -> list[Any]:
        return [
            types.ResourceTemplate(
                each.uri_template,
                each.name,
                each.title,
                each.description,
                each.mime_type,
                _annotations(each.annotations),
            )
            for each in plugin.templates.values()
        ]

    def read_resource(self, uri: str) -> list[Any]:
        try:
            return [_resource_contents(each) for each in _resources.read(uri)]
        except NotFound:
            raise Err(types.ResourceError_NotFound()) from None
        except Cancelled:
            raise Err(types.ResourceError_Cancelled()) from None
        except Exception as error:
            raise Err(types.ResourceError_Failed(_sentence(error))) from None


class Prompts:
    """The interface `prompts`."""

    def list_prompts(self) -> list[Any]:
        return [
            types.PromptDefinition(
                each.name,
                each.title,
                each.description,
                [types.PromptArgument(name, None, text, required) for name, text, required in each.arguments()],
            )
            for each in plugin.prompts.values()
        ]

    def get_prompt(self, name: str, arguments: list[Any]) -> Any:
        prompt, messages = _prompting(lambda: _prompts.get(name, _texts(arguments)))
        return types.PromptResult(prompt.description, [_message(message) for message in messages])


class Completions:
    """The interface `completions`."""

    def complete_prompt(self, name: str, argument: Any, context: list[Any]) -> Any:
        if name not in plugin.prompts:
            raise Err(types.PromptError_NotFound())
        return _complete(name, argument, context)

    def complete_resource(self, uri_template: str, argument: Any, context: list[Any]) -> Any:
        if uri_template not in plugin.templates:
            raise Err(types.PromptError_NotFound())
        return _complete(uri_template, argument, context)


class _Host:
    """The gateway."""

    def log(self, level: str, message: str) -> None:
        host.log(_LEVELS[level], message)

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        host.progress(float(progress), None if total is None else float(total), message)

    def cancelled(self) -> bool:
        return bool(host.cancelled())

    def config(self) -> str:
        return str(host.config())

    def call_tool(self, name: str, arguments: str) -> ToolResult:
        result = _asking(lambda: host.call_tool(name, arguments))
        return ToolResult([_to_content(piece) for piece in result.content], result.structured, result.is_error)

    def elicit(self, message: str, schema: str) -> tuple[str, str | None]:
        answer = _asking(lambda: host.elicit(message, schema))
        if isinstance(answer, types.Elicitation_Accept):
            return "accept", answer.value
        return ("decline" if isinstance(answer, types.Elicitation_Decline) else "cancel"), None

    def sample(self, request: str) -> str:
        return str(_asking(lambda: host.sample(request)))

    def list_roots(self) -> list[Root]:
        return [Root(root.uri, root.name) for root in _asking(host.list_roots)]


_backend.current = _Host()
# The plugin's modules are imported after this one.
_random.install()


def check(exported: set[str]) -> None:
    """Ends the build where something was declared that the component does not export, and makes what is there lasting."""
    missing = sorted(plugin.exports() - exported)
    if missing:
        raise ImportError(f"{', '.join(missing)}: import the decorators by name, as in `from gateway_sdk import tool`")
    if not plugin.exports():
        raise ImportError("nothing is declared: write `@tool` above a function")
    _preload.preload()
    _rehearsal.rehearse(Tool())
    _random.forget()
    # What exists now is in every instance and never goes; looking at it would copy the memory that it lies in.
    gc.collect()
    gc.freeze()


def _asking(ask: Any) -> Any:
    try:
        return ask()
    except Err as error:
        kind = _KINDS[type(error.value)]
        raise CallError(kind, getattr(error.value, "value", "the call was cancelled")) from None


def _prompting(work: Any) -> Any:
    try:
        return work()
    except NotFound:
        raise Err(types.PromptError_NotFound()) from None
    except InvalidArguments as error:
        raise Err(types.PromptError_InvalidArguments(str(error))) from None
    except Cancelled:
        raise Err(types.PromptError_Cancelled()) from None
    except Exception as error:
        raise Err(types.PromptError_Failed(_sentence(error))) from None


def _complete(of: str, argument: Any, context: list[Any]) -> Any:
    values = _prompting(lambda: _prompts.complete(of, argument.name, argument.value, _texts(context)))
    return types.Completion(values[:100], len(values), len(values) > 100)


def _texts(arguments: list[Any]) -> dict[str, str]:
    return {argument.name: argument.value for argument in arguments}


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _content(piece: Content | str) -> Any:
    if isinstance(piece, str):
        return types.Content_Text(types.TextContent(piece, None))
    hints = _annotations(piece.annotations)
    if isinstance(piece, Text):
        return types.Content_Text(types.TextContent(piece.text, hints))
    if isinstance(piece, Image):
        return types.Content_Image(types.MediaContent(piece.data, piece.mime_type, hints))
    if isinstance(piece, Audio):
        return types.Content_Audio(types.MediaContent(piece.data, piece.mime_type, hints))
    if isinstance(piece, ResourceLink):
        link = (piece.uri, piece.name, piece.title, piece.description, piece.mime_type, piece.size)
        return types.Content_ResourceLink(types.ResourceLink(*link, hints))
    return types.Content_EmbeddedResource(types.EmbeddedResource(piece.uri, piece.mime_type, _body(piece.body), hints))


def _body(body: str | bytes) -> Any:
    return types.ResourceBody_Text(body) if isinstance(body, str) else types.ResourceBody_Blob(body)


def _resource_contents(contents: ResourceContents) -> Any:
    return types.ResourceContents(contents.uri, contents.mime_type, _body(contents.body))


def _message(message: Message) -> Any:
    return types.PromptMessage(_ROLES[message.role], _content(message.content))


def _annotations(annotations: Annotations | None) -> Any:
    if annotations is None:
        return None
    audience = [_ROLES[role] for role in annotations.audience]
    return types.Annotations(audience, annotations.priority, annotations.last_modified)


def _to_content(content: Any) -> Content:
    piece = content.value
    hints = _to_annotations(piece.annotations)
    if isinstance(content, types.Content_Text):
        return Text(piece.text, hints)
    if isinstance(content, types.Content_Image):
        return Image(piece.data, piece.mime_type, hints)
    if isinstance(content, types.Content_Audio):
        return Audio(piece.data, piece.mime_type, hints)
    if isinstance(content, types.Content_ResourceLink):
        link = (piece.uri, piece.name, piece.title, piece.description, piece.mime_type, piece.size)
        return ResourceLink(*link, hints)
    return EmbeddedResource(piece.uri, piece.body.value, piece.mime_type, hints)


def _to_annotations(annotations: Any) -> Annotations | None:
    if annotations is None:
        return None
    audience = [name for name, role in _ROLES.items() if role in annotations.audience]
    return Annotations([*audience], annotations.priority, annotations.last_modified)  # type: ignore[list-item]
