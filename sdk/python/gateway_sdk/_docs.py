"""Docstrings: the description, and what stands there about each parameter (Google, NumPy and Sphinx styles)."""

from __future__ import annotations

import inspect
import re

_HEADINGS = ("Args:", "Arguments:", "Parameters:", "Attributes:")
_NUMPY = ("Parameters", "Attributes")
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")
_NUMPY_ENTRY = re.compile(r"(\w+)\s*(?::.*)?$")
_SPHINX_ENTRY = re.compile(r":(?:param|parameter|arg|argument|ivar|var)\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)")
_SPHINX_TYPE = re.compile(r":(?:type|vartype)\s+\w+\s*:")


def parse(docstring: str | None) -> tuple[str, dict[str, str]]:
    """The text without its parameters, and the parameters' texts by name."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    text: list[str] = []
    parameters: dict[str, str] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.strip() in _HEADINGS:
            at = _entries(lines, at + 1, _indent(line), _GOOGLE_ENTRY, parameters)
        elif line.strip() in _NUMPY and at + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[at + 1]):
            at = _entries(lines, at + 2, _indent(line) - 1, _NUMPY_ENTRY, parameters)
        elif match := _SPHINX_ENTRY.match(line.strip()):
            end = _below(lines, at + 1, _indent(line))
            parameters[match[1]] = _joined([match[2], *lines[at + 1 : end]])
            at = end
        elif _SPHINX_TYPE.match(line.strip()):
            at += 1
        else:
            text.append(line)
            at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), parameters


def _entries(lines: list[str], at: int, outside: int, entry: re.Pattern[str], found: dict[str, str]) -> int:
    """Reads the entries of a section, whose lines stand further right than ``outside``; gives where it ends."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at >= len(lines):
        return at
    column = _indent(lines[at])
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > outside):
        match = entry.match(lines[at].strip())
        if not match or _indent(lines[at]) != column:
            if lines[at].strip() and outside < 0:
                # A NumPy section has no indentation of its own: the next thing that is no entry is outside of it.
                return at
            at += 1
            continue
        if outside < 0 and at + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[at + 1]):
            return at
        end = _below(lines, at + 1, column)
        first = match[2] if entry is _GOOGLE_ENTRY else ""
        found[match[1]] = _joined([first, *lines[at + 1 : end]])
        at = end
    return at


def _below(lines: list[str], at: int, column: int) -> int:
    """Where the lines end that stand further right than ``column``."""
    while at < len(lines) and lines[at].strip() and _indent(lines[at]) > column:
        at += 1
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())
