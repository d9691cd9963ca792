"""A tool is a function, and tested as one: `PYTHONPATH=src:.gateway/python python3 -m unittest discover tests`."""

import unittest

from gateway_sdk import ToolError

import plugin


class Count(unittest.TestCase):
    def test_words_are_counted(self) -> None:
        self.assertEqual(plugin.count("a b a"), plugin.Words(3, {"a": 2, "b": 1}))

    def test_a_text_without_words_is_told(self) -> None:
        with self.assertRaises(ToolError):
            plugin.count(" ")


if __name__ == "__main__":
    unittest.main()
