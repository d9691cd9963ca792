"""Random numbers: each call has its own.

What was seeded while the component was built would give every call the same ones. To seed it again takes as long as the
rest of a small call, so that it waits for whoever asks for a number.
"""

from __future__ import annotations

import os
import random
from typing import Any


class _Unseeded(random.Random):
    """The generator until it is asked for something, which makes a plain one of it.

    Whoever has taken one of these methods may call it afterwards too.
    """

    def random(self) -> float:
        return _seeded(self).random()

    def getrandbits(self, k: int, /) -> int:
        return _seeded(self).getrandbits(k)

    def seed(self, *args: Any, **kwargs: Any) -> None:
        _plain(self).seed(*args, **kwargs)

    def getstate(self) -> tuple[Any, ...]:
        return _seeded(self).getstate()

    def setstate(self, state: tuple[Any, ...]) -> None:
        _plain(self).setstate(state)


_generator = random.Random()


def install() -> None:
    """Has the functions of `random` ask this generator. Called before anybody can have taken one of them."""
    forget()
    for name in random.__all__:
        if isinstance(getattr(getattr(random, name), "__self__", None), random.Random):
            setattr(random, name, getattr(_generator, name))


def forget() -> None:
    """Forgets what was drawn so far: the next number is the first one after a new seed."""
    _generator.__class__ = _Unseeded


def _plain(generator: random.Random) -> random.Random:
    generator.__class__ = random.Random
    return generator


def _seeded(generator: random.Random) -> random.Random:
    if isinstance(generator, _Unseeded):
        # By itself it would take 2500 bytes, which is twenty calls of the host.
        _plain(generator).seed(int.from_bytes(os.urandom(32), "little"))
    return generator
