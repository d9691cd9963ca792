"""Tools: what the decorator makes of a function, and what comes of a call."""

import contextlib
import io
import json
import unittest
from dataclasses import dataclass
from typing import Annotated, Any, Optional, TypedDict

from gateway_sdk import CallError, Cancelled, Image, InvalidArguments, Text, ToolError, ToolResult, tool
from gateway_sdk._plugin import plugin
from gateway_sdk._tools import Answer, Tool


@dataclass
class Count:
    words: int


class Size(TypedDict):
    bytes: int


def declared(function: Any) -> Tool:
    plugin.clear()
    tool(function)
    return plugin.tools[function.__name__]


def called(function: Any, **arguments: Any) -> Answer:
    return declared(function).call(json.dumps(arguments))


class Definitions(unittest.TestCase):
    def tearDown(self) -> None:
        plugin.clear()

    def test_a_function_is_a_tool(self) -> None:
        def head(text: str, lines: Annotated[int, {"maximum": 100}] = 10, prefix: Optional[str] = None) -> str:
            """The first lines of a text.

            Args:
                text: the text
                lines: how many lines
            """
            return text

        found = declared(head)
        self.assertEqual((found.name, found.title, found.output_schema), ("head", None, None))
        self.assertEqual(found.description, "The first lines of a text.")
        self.assertEqual(
            json.loads(found.input_schema),
            {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "the text"},
                    "lines": {"type": "integer", "maximum": 100, "description": "how many lines", "default": 10},
                    "prefix": {"type": ["string", "null"]},
                },
                "required": ["text"],
                "additionalProperties": False,
            },
        )

    def test_the_decorator_says_more(self) -> None:
        @tool(name="other", title="A title", read_only=True, open_world=False)
        def one() -> None:
            pass

        found = plugin.tools["other"]
        self.assertEqual(found.title, "A title")
        self.assertEqual(found.hints, {"read_only": True, "destructive": None, "idempotent": None, "open_world": False})
        self.assertIsNone(one(), "it stays a function")

    def test_types_have_an_output_schema(self) -> None:
        def count() -> Count:
            return Count(2)

        def size() -> Size:
            return {"bytes": 3}

        def both() -> tuple[str, Count]:
            return "two words", Count(2)

        def any_members() -> dict[str, Any]:
            return {}

        words = {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]}
        self.assertEqual(json.loads(declared(count).output_schema or ""), words)
        self.assertEqual(json.loads(declared(both).output_schema or ""), words)
        self.assertEqual(json.loads(declared(any_members).output_schema or ""), {"type": "object"})
        self.assertEqual(called(count), Answer(['{"words":2}'], '{"words":2}'))
        self.assertEqual(called(size), Answer(['{"bytes":3}'], '{"bytes":3}'))
        self.assertEqual(called(both), Answer(["two words"], '{"words":2}'))

    def test_mistakes_are_told_at_once(self) -> None:
        def no_hint(a) -> None:  # type: ignore[no-untyped-def]
            pass

        def bad_hint(a: bytes) -> None:
            pass

        def any_number(*a: int) -> None:
            pass

        async def later() -> None:
            pass

        for function, message in [(no_hint, "no type hint"), (bad_hint, "bytes"), (any_number, "filled"), (later, "async")]:
            with self.subTest(message), self.assertRaisesRegex(TypeError, message):
                declared(function)

    def test_a_name_is_taken_once(self) -> None:
        @tool
        def one() -> None:
            pass

        with self.assertRaisesRegex(ValueError, "two declarations of the tool 'one'"):
            tool(one)


class Calls(unittest.TestCase):
    def tearDown(self) -> None:
        plugin.clear()

    def test_plain_values_are_text(self) -> None:
        cases: list[tuple[Any, list[Any]]] = [
            ("a", ["a"]),
            (1.5, ["1.5"]),
            (True, ["true"]),
            ([1, 2], ["[1,2]"]),
            (None, []),
            (Image(b"", "image/png"), [Image(b"", "image/png")]),
            ([Text("a"), Text("b")], [Text("a"), Text("b")]),
        ]
        for value, content in cases:

            def give() -> Any:
                return value

            with self.subTest(value=value):
                self.assertEqual(called(give), Answer(content))

    def test_a_whole_result_is_taken_as_it_is(self) -> None:
        def give() -> ToolResult:
            return ToolResult(["bad"], Count(1), is_error=True)

        self.assertEqual(called(give), Answer(["bad"], '{"words":1}', True))

    def test_arguments_are_what_the_hints_say(self) -> None:
        def take(a: Count, /, b: Optional[int], c: int = 3) -> str:
            return f"{a} {b} {c}"

        self.assertEqual(called(take, a={"words": 1}).content, ["Count(words=1) None 3"])
        for arguments, message in [({}, "`a` is missing"), ({"a": {"words": 1}, "d": 1}, "`d` is no argument: `a`, `b`, `c`")]:
            with self.subTest(message), self.assertRaises(InvalidArguments) as caught:
                called(take, **arguments)
            self.assertEqual(str(caught.exception), message)

    def test_what_is_raised_is_a_result(self) -> None:
        def fail(how: str) -> str:
            if how == "tool":
                raise ToolError("try another")
            if how == "call":
                raise CallError("denied", "not granted")
            return str({}["key"])

        self.assertEqual(called(fail, how="tool"), Answer(["try another"], None, True))
        self.assertEqual(called(fail, how="call"), Answer(["not granted"], None, True))
        with contextlib.redirect_stderr(io.StringIO()) as log:
            self.assertEqual(called(fail, how="other"), Answer(["KeyError: 'key'"], None, True))
        self.assertIn("error: fail: Traceback", log.getvalue())

    def test_some_exceptions_are_no_result(self) -> None:
        def fail(how: int) -> None:
            raise [Cancelled(), CallError("cancelled", ""), InvalidArguments("wrong")][how]

        for how, kind in enumerate([Cancelled, Cancelled, InvalidArguments]):
            with self.subTest(kind=kind), self.assertRaises(kind):
                called(fail, how=how)
