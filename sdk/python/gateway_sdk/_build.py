"""What `gateway plugin build` needs to know of a plugin's sources before a component is made of them.

    python -m gateway_sdk._build MODULE SOURCES OUT

Reads what the modules below SOURCES name of ``gateway_sdk``, without running them, and writes into OUT the world that the
component targets (``wit/world.wit``) and the module that componentize-py begins with (``gateway_plugin_main.py``).
"""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

EXPORTS = {
    "tool": "tool",
    "resource": "resources",
    "resource_template": "resources",
    "prompt": "prompts",
    "completion": "completions",
    "before": "filter",
    "after": "filter",
}
"""The interface that each decorator needs the component to export."""

IMPORTS = {
    "storage": ["wasi:keyvalue/store@0.2.0-draft2", "wasi:keyvalue/atomics@0.2.0-draft2"],
}
"""The interfaces that modules of the SDK need the component to import."""

SKIPPED = {"__pycache__", "node_modules", "tests"}


def named(source: str, file: str) -> set[str]:
    """What a module names of `gateway_sdk`.

    Raises:
        SyntaxError: It is no Python.
    """
    tree = ast.parse(source, file)
    modules = {"gateway_sdk"}
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "gateway_sdk":
            names.update(name for alias in node.names for name in (EXPORTS if alias.name == "*" else [alias.name]))
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("gateway_sdk."):
            names.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "gateway_sdk":
                    names.update(parts[1:2])
                    modules.add(alias.asname or parts[0])
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            names.add(node.attr)
    return names


def sources(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """The modules below a folder, apart from hidden folders and tests."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED:
            continue
        if path.is_dir():
            yield from sources(path)
        elif path.suffix == ".py":
            yield path


def world(names: set[str]) -> tuple[str, list[str]]:
    """The world of a plugin that names this, and the interfaces that it exports."""
    exports = sorted({EXPORTS[name] for name in names if name in EXPORTS} or {"tool"})
    imports = ["gateway:plugin/host@0.1.0"]
    for name, interfaces in IMPORTS.items():
        if name in names:
            imports += interfaces
    lines = [f"  import {name};" for name in imports]
    lines += [f"  export gateway:plugin/{name}@0.1.0;" for name in exports]
    return "\n".join(["package gateway:python-plugin;", "", "world component {", *lines, "}", ""]), exports


def main_module(module: str, names: set[str], exports: list[str]) -> str:
    """The module that componentize-py begins with: the plugin's own, and a class for each interface that is exported."""
    lines = ["import gateway_sdk._component as _component"]
    if "storage" in names:
        lines.append("import gateway_sdk._component_storage")
    lines.append(f"import {module}")
    for name in exports:
        source = "_component_filter" if name == "filter" else "_component"
        lines.append(f"from gateway_sdk.{source} import {name.capitalize()}")
    return "\n".join([*lines, f"_component.check({set(exports)!r})", ""])


def main(module: str, folder: str, out: str) -> None:
    """Writes both files."""
    names: set[str] = set()
    for path in sources(pathlib.Path(folder)):
        names |= named(path.read_text(encoding="utf-8"), str(path))
    text, exports = world(names)
    wit = pathlib.Path(out, "wit")
    wit.mkdir(parents=True, exist_ok=True)
    (wit / "world.wit").write_text(text, encoding="utf-8")
    pathlib.Path(out, "gateway_plugin_main.py").write_text(main_module(module, names, exports), encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SyntaxError as error:
        sys.exit(f"{error.filename}:{error.lineno}: {error.msg}")
