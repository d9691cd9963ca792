"""What results are made of: texts, images, sounds, links and whole resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Union

Role = Literal["user", "assistant"]


@dataclass
class Annotations:
    """Hints about a piece of content.

    Attributes:
        audience: Whom it is for; empty: everybody.
        priority: How much it matters, from 0.0 (could be left out) to 1.0 (needed).
        last_modified: When it was last changed, such as ``2026-01-31T12:00:00Z``.
    """

    audience: list[Role] = field(default_factory=list)
    priority: float | None = None
    last_modified: str | None = None


@dataclass
class Text:
    """Text. Where content is asked for, a plain ``str`` does as well."""

    text: str
    annotations: Annotations | None = None


@dataclass
class Image:
    """An image: the bytes of its file, and its media type such as ``image/png``."""

    data: bytes
    mime_type: str
    annotations: Annotations | None = None


@dataclass
class Audio:
    """A sound: the bytes of its file, and its media type such as ``audio/wav``."""

    data: bytes
    mime_type: str
    annotations: Annotations | None = None


@dataclass
class ResourceLink:
    """A resource that the client may read by itself."""

    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None
    annotations: Annotations | None = None


@dataclass
class EmbeddedResource:
    """A resource whose contents, a text or bytes, come along."""

    uri: str
    body: str | bytes
    mime_type: str | None = None
    annotations: Annotations | None = None


Content = Union[Text, Image, Audio, ResourceLink, EmbeddedResource]
"""One piece of a result."""


@dataclass
class ToolResult:
    """What a call gave, where the value alone does not say it.

    Attributes:
        content: For the model to read.
        structured: For programs to read: a JSON object, or what is written as one (a dataclass, a ``TypedDict``).
        is_error: The tool ran and failed; ``content`` says why.
    """

    content: list[Content | str] = field(default_factory=list)
    structured: Any = None
    is_error: bool = False

    @property
    def text(self) -> str:
        """All texts of ``content``, one below the other."""
        texts = [piece if isinstance(piece, str) else piece.text for piece in self.content if isinstance(piece, (str, Text))]
        return "\n".join(texts)


@dataclass
class ResourceContents:
    """A resource that was read: its address, and its contents, a text or bytes."""

    uri: str
    body: str | bytes
    mime_type: str | None = None


@dataclass
class Message:
    """One message of a prompt."""

    content: Content | str
    role: Role = "user"


@dataclass
class Root:
    """A place that the client works in, such as ``file:///home/user/project``."""

    uri: str
    name: str | None = None


@dataclass
class ToolCall:
    """A call as a filter sees it.

    Attributes:
        name: The public name of the tool, such as ``github__create_issue``.
        arguments: The arguments of the call.
        role: The role of the caller; none where there are no roles.
    """

    name: str
    arguments: dict[str, Any]
    role: str | None = None
