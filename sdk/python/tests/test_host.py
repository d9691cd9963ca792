"""What reaches the gateway, with a gateway that answers from a list."""

import contextlib
import io
import json
import unittest
from dataclasses import dataclass
from typing import Any

from gateway_sdk import (
    CallError,
    ConfigError,
    Root,
    ToolResult,
    _backend,
    call_tool,
    cancelled,
    config,
    elicit,
    list_roots,
    log,
    progress,
    sample,
    storage,
)


@dataclass
class Settings:
    depth: int = 3


class Answering(_backend.Outside):
    """Answers with what it was given, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[Any] = []

    def config(self) -> str:
        return json.dumps(self.answers["config"])

    def call_tool(self, name: str, arguments: str) -> ToolResult:
        self.asked.append((name, json.loads(arguments)))
        return ToolResult(["a", "b"], '{"n":1}')

    def elicit(self, message: str, schema: str) -> tuple[str, Any]:
        self.asked.append((message, json.loads(schema)["properties"]))
        return self.answers["elicit"]  # type: ignore[no-any-return]

    def sample(self, request: str) -> str:
        self.asked.append(json.loads(request))
        return '{"role":"assistant"}'

    def list_roots(self) -> list[Root]:
        return [Root("file:///a")]


class Gateway(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(setattr, _backend, "current", _backend.current)

    def answering(self, **answers: Any) -> Answering:
        _backend.current = host = Answering(**answers)
        return host

    def test_config_is_read_as_a_type(self) -> None:
        self.answering(config={"depth": 5})
        self.assertEqual(config(), {"depth": 5})
        self.assertEqual(config(Settings), Settings(5))
        self.answering(config=None)
        self.assertIsNone(config())
        self.assertEqual(config(Settings), Settings(3))
        self.answering(config={"depth": "deep"})
        with self.assertRaisesRegex(ConfigError, "`config.depth`: expected an integer"):
            config(Settings)

    def test_tools_are_called_by_name(self) -> None:
        host = self.answering()
        result = call_tool("files__read", path="a")
        self.assertEqual((result.text, result.structured), ("a\nb", {"n": 1}))
        call_tool("files__read", {"path": "b"})
        self.assertEqual(host.asked, [("files__read", {"path": "a"}), ("files__read", {"path": "b"})])

    def test_people_are_asked(self) -> None:
        host = self.answering(elicit=("accept", '{"depth":7}'))
        answer = elicit("How deep?", Settings)
        self.assertEqual((answer.action, answer.value), ("accept", Settings(7)))
        self.assertEqual(host.asked, [("How deep?", {"depth": {"type": "integer", "default": 3}})])
        self.answering(elicit=("decline", None))
        self.assertIsNone(elicit("How deep?", {"type": "object", "properties": {}}).value)
        self.answering(elicit=("accept", '{"depth":"deep"}'))
        with self.assertRaisesRegex(CallError, "does not fit"):
            elicit("How deep?", Settings)

    def test_models_and_clients_are_asked(self) -> None:
        host = self.answering()
        self.assertEqual(sample({"messages": [], "maxTokens": 5}), {"role": "assistant"})
        self.assertEqual(host.asked, [{"messages": [], "maxTokens": 5}])
        self.assertEqual(list_roots(), [Root("file:///a")])

    def test_outside_nobody_answers(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            log("hello", "notice")
        self.assertEqual(stderr.getvalue(), "notice: hello\n")
        progress(1, 2, "half")
        self.assertFalse(cancelled())
        self.assertEqual(config(Settings), Settings())
        for ask in (lambda: call_tool("a__b"), lambda: elicit("a", {}), lambda: sample({}), list_roots):
            with self.assertRaisesRegex(CallError, "outside of the gateway"):
                ask()


class Storage(unittest.TestCase):
    def test_values_are_remembered(self) -> None:
        storage.set("a", "ä")
        self.assertEqual((storage.get("a"), storage.get_text("a"), storage.exists("a")), ("ä".encode(), "ä", True))
        self.assertEqual(storage.update("a", lambda value: (value or b"") + b"!"), "ä!".encode())
        self.assertEqual((storage.increment("n"), storage.increment("n", 5)), (1, 6))
        self.assertEqual(sorted(storage.keys()), ["a", "n"])
        storage.delete("a")
        storage.delete("a")
        self.assertEqual((storage.get("a"), storage.get_text("a")), (None, None))
