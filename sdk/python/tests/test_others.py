"""Resources, prompts, completions and filters."""

import unittest
from typing import Any, Literal, Optional

from gateway_sdk import (
    InvalidArguments,
    Message,
    NotFound,
    ResourceContents,
    Text,
    after,
    before,
    completion,
    prompt,
    resource,
    resource_template,
    tool,
)
from gateway_sdk import _prompts, _resources
from gateway_sdk._plugin import plugin


class Declared(unittest.TestCase):
    def setUp(self) -> None:
        plugin.clear()

    def tearDown(self) -> None:
        plugin.clear()

    def test_resources_are_read_by_address(self) -> None:
        @resource("notes:///today", mime_type="text/plain", title="Today")
        def today() -> str:
            """What is written today."""
            return "nothing"

        @resource("notes:///raw")
        def raw() -> bytes:
            return b"\0"

        @resource("notes:///all")
        def all_of_them() -> list[str]:
            return ["a"]

        shown = plugin.resources["notes:///today"]
        self.assertEqual((shown.name, shown.title, shown.description), ("today", "Today", "What is written today."))
        self.assertEqual(_resources.read("notes:///today"), [ResourceContents("notes:///today", "nothing", "text/plain")])
        self.assertEqual(_resources.read("notes:///raw"), [ResourceContents("notes:///raw", b"\0", None)])
        self.assertEqual(_resources.read("notes:///all"), [ResourceContents("notes:///all", '["a"]', "application/json")])
        with self.assertRaises(NotFound):
            _resources.read("notes:///tomorrow")

    def test_a_template_has_its_variables_as_parameters(self) -> None:
        @resource_template("notes:///{year}/{name}{+rest}")
        def note(year: int, name: str, rest: str) -> str:
            return f"{year} {name} {rest}"

        self.assertEqual(_resources.read("notes:///2026/a%20b/c/d")[0].body, "2026 a b /c/d")
        for other in ["notes:///soon/a/c", "notes:///2026", "notes.///2026/a/c"]:
            with self.subTest(other), self.assertRaises(NotFound):
                _resources.read(other)
        with self.assertRaisesRegex(TypeError, "have to be the variables"):
            resource_template("a:{b}")(note)

    def test_a_resource_takes_nothing(self) -> None:
        def one(name: str) -> str:
            return name

        with self.assertRaisesRegex(TypeError, "declare a template"):
            resource("a:b")(one)

    def test_prompts_are_filled(self) -> None:
        @prompt(title="A review")
        def review(code: str, times: int = 1, style: Optional[Literal["kind", "short"]] = None) -> list[Any]:
            """Review code.

            Args:
                code: the code
            """
            return [f"{style} {code}" * times, Message(Text("yes"), "assistant")]

        shown = plugin.prompts["review"]
        self.assertEqual((shown.title, shown.description), ("A review", "Review code."))
        self.assertEqual(shown.arguments(), [("code", "the code", True), ("times", None, False), ("style", None, False)])
        _, messages = _prompts.get("review", {"code": "x", "times": "2", "style": "kind", "unknown": ""})
        self.assertEqual(messages, [Message("kind xkind x"), Message(Text("yes"), "assistant")])
        with self.assertRaisesRegex(InvalidArguments, "`code` is missing"):
            _prompts.get("review", {})
        with self.assertRaisesRegex(InvalidArguments, "`times`"):
            _prompts.get("review", {"code": "x", "times": "often"})
        with self.assertRaises(NotFound):
            _prompts.get("other", {})

    def test_arguments_are_completed(self) -> None:
        @completion("review", "style")
        def styles(typed: str, chosen: dict[str, str]) -> list[str]:
            return [style for style in ("kind", "short") if style.startswith(typed)] + list(chosen)

        self.assertEqual(_prompts.complete("review", "style", "k", {"code": "x"}), ["kind", "code"])
        self.assertEqual(_prompts.complete("review", "code", "k", {}), [])

    def test_there_is_one_filter(self) -> None:
        before(lambda call: None)
        after(lambda call, result: None)
        for again in (lambda: before(lambda call: None), lambda: after(lambda call, result: None)):
            with self.assertRaisesRegex(ValueError, "two functions"):
                again()

    def test_what_is_declared_has_to_be_exported(self) -> None:
        tool(lambda_with_a_name)
        self.assertEqual(plugin.exports(), {"tool"})
        prompt(lambda_with_a_name)
        before(lambda call: None)
        self.assertEqual(plugin.exports(), {"tool", "prompts", "filter"})


def lambda_with_a_name() -> str:
    return ""
