"""What a build reads from sources without running them."""

import pathlib
import tempfile
import unittest

from gateway_sdk import _build


class Sources(unittest.TestCase):
    def test_what_is_named_is_found(self) -> None:
        cases = [
            ("from gateway_sdk import tool as t, storage", {"tool", "storage"}),
            ("import gateway_sdk as g\n@g.resource('a:b')\ndef a(): ...", {"resource"}),
            ("import gateway_sdk\ngateway_sdk.prompt", {"prompt"}),
            ("import gateway_sdk.storage", {"storage"}),
            ("from gateway_sdk.storage import get", {"storage"}),
            ("import other\nother.prompt", set()),
        ]
        for source, names in cases:
            with self.subTest(source):
                self.assertEqual(_build.named(source, "a.py"), names)
        self.assertIn("before", _build.named("from gateway_sdk import *", "a.py"))

    def test_the_world_has_what_is_named(self) -> None:
        text, exports = _build.world({"tool", "after", "storage"})
        self.assertEqual(exports, ["filter", "tool"])
        self.assertIn("import wasi:keyvalue/store@", text)
        self.assertIn("export gateway:plugin/filter@0.1.0;", text)
        self.assertNotIn("wasi", _build.world({"tool"})[0])

    def test_tests_and_hidden_folders_are_no_sources(self) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder, out = pathlib.Path(temporary, "src"), pathlib.Path(temporary, "out")
            for name in ["a.py", "in/b.py", "tests/c.py", ".venv/d.py"]:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(f"from gateway_sdk import {'prompt' if name == 'in/b.py' else 'tool'}")
            (folder / "tests/c.py").write_text("no Python")
            _build.main("a", str(folder), str(out))
            main = (out / "gateway_plugin_main.py").read_text()
            self.assertIn("import a\nfrom gateway_sdk._component import Prompts\nfrom gateway_sdk._component import Tool\n", main)
            self.assertIn("export gateway:plugin/prompts@0.1.0;", (out / "wit/world.wit").read_text())
            (folder / "a.py").write_text("def")
            with self.assertRaises(SyntaxError):
                _build.main("a", str(folder), str(out))
