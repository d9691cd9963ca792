"""From values to JSON text."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from typing import Any


def write(value: object) -> str:
    """``value`` as JSON: what JSON knows, dataclasses, enumerations, sets, dates and times.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: A number in it is none (NaN) or has no end.
    """
    return _ENCODER.encode(value)


def plain(value: object) -> Any:
    """``value`` with nothing in it but what JSON knows."""
    return json.loads(write(value))


def _other(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


# `json.dumps` would make one for each value.
_ENCODER = json.JSONEncoder(default=_other, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
