"""What is read from docstrings."""

import unittest

from gateway_sdk import _docs


class Docstrings(unittest.TestCase):
    def test_google(self) -> None:
        text, parameters = _docs.parse(
            """Add two numbers.

            More about it.

            Args:
                a (int): the first,
                    over two lines
                b: the second: the other one

            Returns:
                the sum
            """
        )
        self.assertEqual(text, "Add two numbers.\n\nMore about it.\n\nReturns:\n    the sum")
        self.assertEqual(parameters, {"a": "the first, over two lines", "b": "the second: the other one"})

    def test_numpy(self) -> None:
        text, parameters = _docs.parse(
            """Add two numbers.

            Parameters
            ----------
            a : int
                the first
            b
                the second

            Returns
            -------
            int
                the sum
            """
        )
        self.assertEqual(parameters, {"a": "the first", "b": "the second"})
        self.assertEqual(text, "Add two numbers.\n\nReturns\n-------\nint\n    the sum")

    def test_sphinx(self) -> None:
        text, parameters = _docs.parse(
            """Add two numbers.

            :param a: the first,
                over two lines
            :param int b: the second
            :type a: int
            """
        )
        self.assertEqual(text, "Add two numbers.")
        self.assertEqual(parameters, {"a": "the first, over two lines", "b": "the second"})

    def test_nothing(self) -> None:
        self.assertEqual(_docs.parse(None), ("", {}))
        self.assertEqual(_docs.parse("One line: with a colon."), ("One line: with a colon.", {}))


