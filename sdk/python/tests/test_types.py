"""Type hints: their schemas, and their values."""

import datetime
import enum
import unittest
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict, Union

from gateway_sdk import InvalidArguments, _json
from gateway_sdk._types import Unsupported, from_text, kind_of


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    """A place.

    Attributes:
        x: to the right
    """

    x: int
    y: Annotated[int, "upwards", {"minimum": 0}] = 0


@dataclass
class Line:
    points: list[Point] = field(default_factory=list)


@dataclass
class Endless:
    more: "list[Endless]"


class Movie(TypedDict, total=False):
    name: str


class Film(Movie):
    year: int


UserId = NewType("UserId", int)

POINT = {
    "type": "object",
    "properties": {
        "x": {"type": "integer", "description": "to the right"},
        "y": {"type": "integer", "description": "upwards", "minimum": 0, "default": 0},
    },
    "required": ["x"],
    "description": "A place.",
}


class Schemas(unittest.TestCase):
    def test_each_type_has_its_schema(self) -> None:
        text, number = {"type": "string"}, {"type": "integer"}
        cases: list[tuple[Any, Any]] = [
            (str, text),
            (float, {"type": "number"}),
            (bool, {"type": "boolean"}),
            (Any, {}),
            (Optional[int], {"type": ["integer", "null"]}),
            (int | str, {"type": ["integer", "string"]}),
            (Union[Literal["a"], int], {"anyOf": [{"type": "string", "enum": ["a"]}, number]}),
            (list[str], {"type": "array", "items": text}),
            (list, {"type": "array"}),
            (Sequence[int], {"type": "array", "items": number}),
            (tuple[int, ...], {"type": "array", "items": number}),
            (tuple[int, str], {"type": "array", "prefixItems": [number, text], "minItems": 2, "maxItems": 2}),
            (set[str], {"type": "array", "items": text, "uniqueItems": True}),
            (dict[str, int], {"type": "object", "additionalProperties": number}),
            (dict, {"type": "object"}),
            (Literal[1, "a"], {"enum": [1, "a"]}),
            (Colour, {"type": "string", "enum": ["red", "blue"]}),
            (datetime.date, {"type": "string", "format": "date"}),
            (UserId, number),
            (Annotated[int, "how many", {"maximum": 9}], {"type": "integer", "description": "how many", "maximum": 9}),
            (Point, POINT),
            (Film, {"type": "object", "properties": {"name": text, "year": number}, "required": ["year"]}),
        ]
        for hint, schema in cases:
            with self.subTest(hint=hint):
                found = kind_of(hint).schema
                if hint is Film:
                    found["properties"] = dict(sorted(found["properties"].items()))
                self.assertEqual(found, schema)

    def test_what_is_written_lacks_nothing(self) -> None:
        schema = kind_of(Point, output=True).schema
        self.assertEqual(schema["required"], ["x", "y"])
        self.assertNotIn("default", schema["properties"]["y"])

    def test_what_has_no_json_form_is_told(self) -> None:
        for hint, message in [(bytes, "bytes has no JSON form"), (dict[int, str], "keys"), (Endless, "itself"), (Literal[b"a"], "choice")]:
            with self.subTest(hint=hint), self.assertRaisesRegex(Unsupported, message):
                kind_of(hint)


class Values(unittest.TestCase):
    def test_values_are_what_the_hint_says(self) -> None:
        cases: list[tuple[Any, Any, Any]] = [
            (int, 5.0, 5),
            (float, 5, 5.0),
            (Optional[int], None, None),
            (list[Point], [{"x": 1}], [Point(1)]),
            (Line, {"points": [{"x": 1, "y": 2}]}, Line([Point(1, 2)])),
            (Film, {"year": 1, "name": "a"}, {"year": 1, "name": "a"}),
            (Colour, "red", Colour.RED),
            (tuple[int, str], [1, "a"], (1, "a")),
            (set[int], [1, 2], {1, 2}),
            (dict[str, Colour], {"a": "blue"}, {"a": Colour.BLUE}),
            (datetime.datetime, "2026-01-31T12:00:00Z", datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.timezone.utc)),
            (Union[int, list[int]], [1], [1]),
            (Literal[1, True], True, True),
        ]
        for hint, given, meant in cases:
            with self.subTest(hint=hint):
                found = kind_of(hint).read(given, "a")
                self.assertEqual(found, meant)
                self.assertIs(type(found), type(meant))

    def test_a_wrong_value_is_told_by_its_place(self) -> None:
        cases: list[tuple[Any, Any, str]] = [
            (int, True, "`a`: expected an integer, got true"),
            (int, 5.5, "`a`: expected an integer, got 5.5"),
            (list[Point], [{"x": "1"}], '`a[0].x`: expected an integer, got "1"'),
            (Point, {}, "`a.x` is missing"),
            (Colour, "green", '`a`: expected one of "red", "blue", got "green"'),
            (Literal[1], True, "`a`: expected one of 1, got true"),
            (tuple[int, str], [1], "`a`: expected a list of 2, got [1]"),
            (datetime.date, "tomorrow", '`a`: expected a date of ISO 8601, got "tomorrow"'),
            (datetime.date, 5, "`a`: expected a date of ISO 8601, got 5"),
            (dict[str, int], {"k": None}, "`a.k`: expected an integer, got null"),
            (str, ["x" * 99], "`a`: expected a text, got [\"" + "x" * 38 + "…"),
        ]
        for hint, given, message in cases:
            with self.subTest(hint=hint, given=given), self.assertRaises(InvalidArguments) as caught:
                kind_of(hint).read(given, "a")
            self.assertEqual(str(caught.exception), message)

    def test_texts_are_read_where_nothing_else_can_be_given(self) -> None:
        self.assertEqual(from_text(kind_of(int), "5", "a"), 5)
        self.assertEqual(from_text(kind_of(str), "5", "a"), "5")
        self.assertEqual(from_text(kind_of(Colour), "red", "a"), Colour.RED)
        with self.assertRaises(InvalidArguments):
            from_text(kind_of(int), "five", "a")


class Written(unittest.TestCase):
    def test_values_have_a_json_form(self) -> None:
        value = {"line": Line([Point(1)]), "colour": Colour.RED, "on": datetime.date(2026, 1, 31), "set": {2, 1}, "ä": None}
        text = '{"line":{"points":[{"x":1,"y":0}]},"colour":"red","on":"2026-01-31","set":[1,2],"ä":null}'
        self.assertEqual(_json.write(value), text)

    def test_what_has_none_is_told(self) -> None:
        with self.assertRaisesRegex(TypeError, "a bytes has no JSON form"):
            _json.write({"a": b""})
        with self.assertRaises(ValueError):
            _json.write(float("nan"))
