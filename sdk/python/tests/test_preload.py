"""What functions import is imported before they are called."""

import subprocess
import sys
import unittest

PROGRAM = """
import collections, sys, types
module = types.ModuleType("late")
sys.modules["late"] = module
exec('''
class A:
    def first(self):
        def second():
            import colorsys
            from xml import dom
            import no_such_module
        return second
''', module.__dict__)
from gateway_sdk import _preload
_preload.preload()
print(*[name for name in ("heapq", "colorsys", "xml") if name in sys.modules])
"""


class Preload(unittest.TestCase):
    def test_modules_of_functions_are_there(self) -> None:
        # In a process of its own: nothing else has imported any of them.
        output = subprocess.run([sys.executable, "-B", "-c", PROGRAM], capture_output=True, text=True, check=True)
        self.assertEqual(output.stdout, "heapq colorsys\n")
