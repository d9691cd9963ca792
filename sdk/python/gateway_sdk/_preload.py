"""What functions import when they are called, imported while the component is built: in a call there are no modules to load.

The standard library does so in many places, such as `Counter.most_common`, and nobody can know of all of them.
"""

from __future__ import annotations

import dis
import importlib
import sys
import types
from collections.abc import Iterator

SKIPPED = frozenset(
    "_pyrepl antigravity argparse asyncio bdb bz2 cmd code codeop concurrent ctypes curses doctest ensurepip fcntl ftplib "
    "getpass gettext http idlelib importlib lzma multiprocessing pdb pickle pip platform plistlib profile py_compile pydoc random "
    "readline rlcompleter select selectors setuptools shutil signal smtplib socket socketserver sqlite3 ssl statistics subprocess "
    "tarfile tempfile test this threading tkinter tracemalloc turtle unittest venv webbrowser xml xmlrpc zipfile".split()
)
"""What is large, or of no use in a component, and is loaded only where the plugin imports it itself."""


def preload() -> None:
    """Imports what the functions of loaded modules import, and what those of the modules import that come by that."""
    seen: set[str] = set()
    while True:
        new = [name for name in sys.modules if name not in seen]
        if not new:
            return
        seen.update(new)
        for name in new:
            for wanted in sorted(_wanted(sys.modules[name])):
                if wanted not in sys.modules and wanted.split(".")[0] not in SKIPPED:
                    _load(wanted)


def _load(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception:
        # Of another system, or not installed: the function that wants it will say so.
        pass


def _wanted(module: types.ModuleType) -> set[str]:
    """The modules that functions of `module` import by their whole names."""
    wanted: set[str] = set()
    for code in _codes(vars(module), module.__name__):
        constants: list[object] = [None, None]
        for instruction in dis.get_instructions(code):
            # Before it stand the level and the names that are taken; a relative import is one of a package that is loaded.
            if instruction.opname == "IMPORT_NAME" and constants[-2] == 0:
                wanted.add(str(instruction.argval))
            constants = [*constants[-1:], instruction.argval]
    return wanted


def _codes(members: dict[str, object], module: str) -> Iterator[types.CodeType]:
    """The code of the functions and methods of a module, and of the functions in them."""
    pending: list[object] = list(members.values())
    while pending:
        each = pending.pop()
        if isinstance(each, (staticmethod, classmethod)):
            each = each.__func__
        if isinstance(each, types.FunctionType) and each.__module__ == module:
            pending.append(each.__code__)
        elif isinstance(each, types.CodeType):
            yield each
            pending += [constant for constant in each.co_consts if isinstance(constant, types.CodeType)]
        elif isinstance(each, type) and each.__module__ == module:
            pending += [member for member in vars(each).values() if not isinstance(member, type)]
        elif isinstance(each, property):
            pending += [each.fget, each.fset]
