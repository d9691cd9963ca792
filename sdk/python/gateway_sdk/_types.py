"""Type hints: the JSON Schema of a type, and its values from JSON."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

from . import _docs, _json
from .errors import InvalidArguments

Schema = dict[str, Any]
Reader = Callable[[Any, str], Any]
"""Makes a value of what JSON gave; the text says where it stands."""

_NAMES = {str: "a text", bool: "true or false", int: "an integer", float: "a number", type(None): "null"}
_WRAPPERS = [getattr(typing, name) for name in ("Required", "NotRequired", "ReadOnly") if hasattr(typing, name)]
_DATES: dict[Any, tuple[str, Callable[[str], Any]]] = {
    datetime.datetime: ("date-time", datetime.datetime.fromisoformat),
    datetime.date: ("date", datetime.date.fromisoformat),
    datetime.time: ("time", datetime.time.fromisoformat),
}


@dataclasses.dataclass
class Kind:
    """What is known of a type.

    Attributes:
        schema: Its JSON Schema.
        read: Makes a value of it.
        may_be_missing: Whether ``None`` stands for it where nothing was given.
    """

    schema: Schema
    read: Reader
    may_be_missing: bool = False


@dataclasses.dataclass
class Member:
    """A parameter of a function, or a field of a type."""

    kind: Kind
    required: bool


class Unsupported(TypeError):
    """A type hint that has no JSON form here."""


def kind_of(hint: Any, *, output: bool = False, inside: tuple[Any, ...] = ()) -> Kind:
    """What is known of the type ``hint``; with ``output`` as something that is written, where no member is left out.

    Raises:
        Unsupported: It has no JSON form.
    """
    nested = functools.partial(kind_of, output=output, inside=(*inside, hint))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _annotated(nested(arguments[0]), arguments[1:])
    if origin in _WRAPPERS:
        return nested(arguments[0])
    if origin is typing.Literal:
        return _choice([(value, value) for value in arguments])
    if origin is Union or isinstance(hint, types.UnionType):
        return _union(arguments, nested)
    if origin in (list, set, frozenset, tuple) or origin is Sequence or hint in (list, set, frozenset, tuple):
        return _array(hint if origin is None else origin, arguments, nested)
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return _map(arguments, nested)
    if hint in (Any, object):
        return Kind({}, lambda value, _: value)
    if hint in _NAMES or hint is None:
        return _scalar(type(None) if hint is None else hint)
    if hint in _DATES:
        return _date(*_DATES[hint])
    if hasattr(hint, "__supertype__"):
        return nested(hint.__supertype__)
    if not isinstance(hint, type):
        raise Unsupported(f"{hint!r} has no JSON form")
    if hint in inside:
        raise Unsupported(f"{hint.__name__} has itself as a member; take dict[str, Any] there")
    if issubclass(hint, enum.Enum):
        return _choice([(member.value, member) for member in hint])
    if dataclasses.is_dataclass(hint) or typing.is_typeddict(hint):
        return _object(hint, output, nested)
    raise Unsupported(f"{hint.__name__} has no JSON form; use a dataclass or a TypedDict")


def read_object(value: Any, path: str, members: Mapping[str, Member]) -> dict[str, Any]:
    """The members of the JSON object ``value``, apart from those that were left out and need not be there."""
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    read: dict[str, Any] = {}
    for name, member in members.items():
        place = f"{path}.{name}" if path else name
        if name in value:
            read[name] = member.kind.read(value[name], place)
        elif member.required:
            raise InvalidArguments(f"`{place}` is missing")
    return read


def from_text(kind: Kind, text: str, path: str) -> Any:
    """A value that was given as a text, as arguments of prompts and variables of templates are."""
    try:
        return kind.read(text, path)
    except InvalidArguments:
        try:
            return kind.read(json.loads(text), path)
        except ValueError:
            pass
        raise


def _scalar(hint: type) -> Kind:
    expected = _NAMES[hint]

    def read(value: Any, path: str) -> Any:
        if type(value) is hint:
            return value
        # JSON has one kind of number, and so have its schemas: 5.0 is an integer.
        if hint is float and type(value) is int:
            return float(value)
        if hint is int and type(value) is float and value.is_integer():
            return int(value)
        raise _wrong(path, expected, value)

    json_type = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}[hint]
    return Kind({"type": json_type}, read, may_be_missing=hint is type(None))


def _date(form: str, parse: Callable[[str], Any]) -> Kind:
    def read(value: Any, path: str) -> Any:
        try:
            # What Python before 3.11 does not know.
            return parse(value[:-1] + "+00:00" if value.endswith("Z") else value)
        except (AttributeError, ValueError):
            raise _wrong(path, f"a {form} of ISO 8601", value) from None

    return Kind({"type": "string", "format": form}, read)


def _choice(choices: Sequence[tuple[Any, Any]]) -> Kind:
    """One of these, each with what it means."""
    values = [value for value, _ in choices]
    for value in values:
        if value is not None and type(value) not in _NAMES:
            raise Unsupported(f"{value!r} is no choice that JSON knows")

    def read(given: Any, path: str) -> Any:
        for value, meant in choices:
            # `True` and 1 are equal in Python and different in JSON.
            if value == given and type(value) is type(given):
                return meant
        raise _wrong(path, "one of " + ", ".join(_json.write(value) for value in values), given)

    schema: Schema = {"enum": values}
    if all(type(value) is str for value in values):
        schema = {"type": "string", **schema}
    return Kind(schema, read, may_be_missing=None in values)


def _union(hints: Sequence[Any], nested: Callable[[Any], Kind]) -> Kind:
    kinds = [nested(hint) for hint in hints]

    def read(value: Any, path: str) -> Any:
        wrong: InvalidArguments | None = None
        for kind in kinds:
            try:
                return kind.read(value, path)
            except InvalidArguments as error:
                wrong = wrong or error
        raise wrong or InvalidArguments(path)

    schemas = [kind.schema for kind in kinds]
    if all(set(schema) == {"type"} and isinstance(schema["type"], str) for schema in schemas):
        schema: Schema = {"type": [schema["type"] for schema in schemas]}
    else:
        schema = {"anyOf": schemas}
    return Kind(schema, read, may_be_missing=any(kind.may_be_missing for kind in kinds))


def _array(origin: Any, arguments: tuple[Any, ...], nested: Callable[[Any], Kind]) -> Kind:
    make = list if origin is Sequence else origin
    schema: Schema = {"type": "array"}
    fixed: list[Kind] | None = None
    item = nested(arguments[0]) if arguments else Kind({}, lambda value, _: value)
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        fixed = [nested(argument) for argument in arguments]
        schema |= {"prefixItems": [kind.schema for kind in fixed], "minItems": len(fixed), "maxItems": len(fixed)}
    elif item.schema:
        schema["items"] = item.schema
    if origin in (set, frozenset):
        schema["uniqueItems"] = True

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, list) or (fixed is not None and len(value) != len(fixed)):
            raise _wrong(path, "a list" if fixed is None else f"a list of {len(fixed)}", value)
        kinds = fixed or [item] * len(value)
        return make(kind.read(each, f"{path}[{at}]") for at, (kind, each) in enumerate(zip(kinds, value)))

    return Kind(schema, read)


def _map(arguments: tuple[Any, ...], nested: Callable[[Any], Kind]) -> Kind:
    if arguments and arguments[0] is not str:
        raise Unsupported("the keys of a dict are texts in JSON: write dict[str, ...]")
    item = nested(arguments[1]) if arguments else Kind({}, lambda value, _: value)

    def read(value: Any, path: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        return {key: item.read(each, f"{path}.{key}") for key, each in value.items()}

    schema: Schema = {"type": "object"}
    if item.schema:
        schema["additionalProperties"] = item.schema
    return Kind(schema, read)


def _annotated(kind: Kind, notes: Sequence[Any]) -> Kind:
    schemas = [{"description": note} if isinstance(note, str) else dict(note) for note in notes if isinstance(note, (str, Mapping))]
    return dataclasses.replace(kind, schema=functools.reduce(operator.or_, schemas, kind.schema))


def _object(hint: Any, output: bool, nested: Callable[[Any], Kind]) -> Kind:
    # A dataclass without a docstring is given one that repeats its fields.
    generated = dataclasses.is_dataclass(hint) and str(hint.__doc__).startswith(f"{getattr(hint, '__name__')}(")
    description, texts = _docs.parse(None if generated else hint.__doc__)
    kinds = {name: nested(each) for name, each in typing.get_type_hints(hint, include_extras=True).items()}
    defaults: dict[str, Any] = {}
    if dataclasses.is_dataclass(hint):
        fields = [field for field in dataclasses.fields(hint) if field.init or output]
        kinds = {field.name: kinds[field.name] for field in fields}
        for field in fields:
            if field.default_factory is not dataclasses.MISSING:
                defaults[field.name] = field.default_factory()
            elif field.default is not dataclasses.MISSING:
                defaults[field.name] = field.default
        required = {name for name in kinds if output or name not in defaults}
    else:
        required = set(hint.__required_keys__)
    schema = object_schema(kinds, required, {} if output else defaults, texts)
    if description:
        schema["description"] = description
    members = {name: Member(kind, name in required) for name, kind in kinds.items()}

    def read(value: Any, path: str) -> Any:
        return hint(**read_object(value, path, members))

    return Kind(schema, read)


def object_schema(
    kinds: Mapping[str, Kind], required: set[str], defaults: Mapping[str, Any], texts: Mapping[str, str]
) -> Schema:
    """The schema of an object with these members."""
    properties: Schema = {}
    for name, kind in kinds.items():
        properties[name] = dict(kind.schema)
        if name in texts:
            properties[name].setdefault("description", texts[name])
        if defaults.get(name) is not None:
            properties[name]["default"] = _json.plain(defaults[name])
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = [name for name in kinds if name in required]
    return schema


def _wrong(path: str, expected: str, value: Any) -> InvalidArguments:
    text = _json.write(value)
    shown = text if len(text) <= 40 else text[:40] + "…"
    place = f"`{path}`: " if path else ""
    return InvalidArguments(f"{place}expected {expected}, got {shown}")
