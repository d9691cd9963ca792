"""Who answers for the gateway: the component's imports inside of it, and a stand-in elsewhere, as in a unit test."""

from __future__ import annotations

import sys
from typing import Protocol

from .content import Root, ToolResult
from .errors import CallError


class Host(Protocol):
    """What the gateway offers; JSON is text here."""

    def log(self, level: str, message: str) -> None: ...
    def progress(self, progress: float, total: float | None, message: str | None) -> None: ...
    def cancelled(self) -> bool: ...
    def config(self) -> str: ...
    def call_tool(self, name: str, arguments: str) -> ToolResult: ...
    def elicit(self, message: str, schema: str) -> tuple[str, str | None]: ...
    def sample(self, request: str) -> str: ...
    def list_roots(self) -> list[Root]: ...


class Outside:
    """Answers as if there was no gateway."""

    def log(self, level: str, message: str) -> None:
        print(f"{level}: {message}", file=sys.stderr)

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        pass

    def cancelled(self) -> bool:
        return False

    def config(self) -> str:
        return "null"

    def call_tool(self, name: str, arguments: str) -> ToolResult:
        raise CallError("failed", f"`{name}` cannot be called outside of the gateway")

    def elicit(self, message: str, schema: str) -> tuple[str, str | None]:
        raise CallError("unsupported", "nobody can be asked outside of the gateway")

    def sample(self, request: str) -> str:
        raise CallError("unsupported", "no model can be asked outside of the gateway")

    def list_roots(self) -> list[Root]:
        raise CallError("unsupported", "there is no client outside of the gateway")


current: Host = Outside()
