import random
import unittest

from gateway_sdk import _random


class Random(unittest.TestCase):
    def setUp(self) -> None:
        kept = {name: getattr(random, name) for name in random.__all__}
        self.addCleanup(vars(random).update, kept)
        _random.install()
        self.taken = random.choice

    def numbers(self) -> list[object]:
        everything = range(1 << 62)
        return [random.random(), random.getrandbits(64), random.randbytes(8), self.taken(everything), random.sample(everything, 3)]

    def test_each_call_has_numbers_of_its_own(self) -> None:
        first = self.numbers()
        _random.forget()
        second = self.numbers()
        self.assertFalse([one for one, other in zip(first, second) if one == other])

    def test_whatever_is_asked_first_is_seeded(self) -> None:
        ask = [random.random, lambda: random.getrandbits(64), lambda: random.gauss(0, 1), random.getstate]
        for each in ask:
            with self.subTest(each):
                answers = []
                for _ in range(2):
                    _random.forget()
                    answers.append(each())
                self.assertNotEqual(*answers)

    def test_a_seed_that_is_given_holds(self) -> None:
        expected = random.Random(7).random()
        for _ in range(2):
            _random.forget()
            random.seed(7)
            self.assertEqual(random.random(), expected)

    def test_a_state_that_is_given_holds(self) -> None:
        _random.forget()
        state = random.getstate()
        expected = random.random()
        _random.forget()
        random.setstate(state)
        self.assertEqual(random.random(), expected)


if __name__ == "__main__":
    unittest.main()
