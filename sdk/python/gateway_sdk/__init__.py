"""Write a sandboxed MCP tool as a plain Python function.

    from gateway_sdk import tool

    @tool
    def add(a: float, b: float) -> float:
        '''Add two numbers.

        Args:
            a: the first
            b: the second
        '''
        return a + b

``gateway plugin build`` makes the component of it. A tool stays a plain function, so a unit test calls it. Outside of the
gateway, as in such a test, what reaches the gateway answers as if there was none.

Every call has an instance of its own: a module's variables are as they were after it was imported, in every call. Modules
are imported when the plugin is built, and never again.
"""

from ._filters import after, before
from ._prompts import completion, prompt
from ._resources import resource, resource_template
from ._tools import tool
from .content import (
    Annotations,
    Audio,
    Content,
    EmbeddedResource,
    Image,
    Message,
    ResourceContents,
    ResourceLink,
    Role,
    Root,
    Text,
    ToolCall,
    ToolResult,
)
from .errors import CallError, Cancelled, ConfigError, InvalidArguments, NotFound, Refused, StorageError, ToolError
from .host import Elicitation, call_tool, cancelled, config, elicit, list_roots, log, progress, sample

__all__ = [
    "Annotations",
    "Audio",
    "CallError",
    "Cancelled",
    "ConfigError",
    "Content",
    "Elicitation",
    "EmbeddedResource",
    "Image",
    "InvalidArguments",
    "Message",
    "NotFound",
    "Refused",
    "ResourceContents",
    "ResourceLink",
    "Role",
    "Root",
    "StorageError",
    "Text",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "after",
    "before",
    "call_tool",
    "cancelled",
    "completion",
    "config",
    "elicit",
    "list_roots",
    "log",
    "progress",
    "prompt",
    "resource",
    "resource_template",
    "sample",
    "tool",
]
