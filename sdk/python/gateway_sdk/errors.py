"""What a plugin raises, and what the gateway's answers may raise."""

from __future__ import annotations

from typing import Literal

CallErrorKind = Literal["unknown-tool", "denied", "unsupported", "cancelled", "limit", "failed"]


class ToolError(Exception):
    """The tool ran and failed. The message is for the model, which may do better next time.

    Any other exception is told to the model as well, with the name of its class, and its traceback goes to the
    gateway's log.
    """


class InvalidArguments(Exception):
    """The arguments are wrong in a way that the schema does not tell; the message says what to change."""


class NotFound(Exception):
    """There is no such resource, prompt or template."""


class Cancelled(Exception):
    """The call was cancelled, and the plugin stopped."""


class Refused(Exception):
    """Raised by a filter: the call, or its result, ends here. The message is the reason, for the model to read."""


class CallError(Exception):
    """A call to another tool, or a question to the client, gave no result.

    Attributes:
        kind: ``unknown-tool`` (there is none, or the caller's role may not see it), ``denied`` (the message names the key
            of ``gateway.yaml`` that would grant it), ``unsupported`` (the client cannot be asked this), ``cancelled``
            (the call that the plugin is working on was), ``limit`` (time, depth or number of nested calls ran out) or
            ``failed`` (it could not be reached or broke off).
    """

    def __init__(self, kind: CallErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: CallErrorKind = kind


class ConfigError(Exception):
    """The plugin's ``config`` in ``gateway.yaml`` is not what the plugin takes."""


class StorageError(Exception):
    """The key-value store did not do it: storage was not granted (``limits.storage``), or its quota is used up."""
