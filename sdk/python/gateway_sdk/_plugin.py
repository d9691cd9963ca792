"""What the plugin has: filled by the decorators while its modules are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ._filters import After, Before
    from ._prompts import Completer, Prompt
    from ._resources import Resource, Template
    from ._tools import Tool

Declared = TypeVar("Declared")


class Plugin:
    """The plugin's tools and whatever else it has, by name."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everything, as a test between two plugins wants it."""
        self.tools: dict[str, Tool] = {}
        self.resources: dict[str, Resource] = {}
        self.templates: dict[str, Template] = {}
        self.prompts: dict[str, Prompt] = {}
        self.completers: dict[tuple[str, str], Completer] = {}
        self.before: Before | None = None
        self.after: After | None = None

    def add(self, what: str, known: dict[Any, Declared], name: Any, declared: Declared) -> None:
        """Takes up what a decorator declared.

        Raises:
            ValueError: There is one of that name.
        """
        if name in known:
            raise ValueError(f"there are two declarations of the {what} {name!r}")
        known[name] = declared

    def exports(self) -> set[str]:
        """The interfaces that a component needs to export for all of this."""
        interfaces = {
            "tool": bool(self.tools),
            "resources": bool(self.resources or self.templates),
            "prompts": bool(self.prompts),
            "completions": bool(self.completers),
            "filter": bool(self.before or self.after),
        }
        return {name for name, needed in interfaces.items() if needed}


plugin = Plugin()
