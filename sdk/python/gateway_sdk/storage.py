"""The plugin's key-value store: the only thing that is remembered from one call to the next.

It needs ``limits.storage``. Outside of the gateway the values live as long as the process. Import it as a module
(``from gateway_sdk import storage``): that is how the build knows that the component needs the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol


class Store(Protocol):
    """What the component's imports or a stand-in do."""

    def get(self, key: str) -> bytes | None: ...
    def set(self, key: str, value: bytes) -> None: ...
    def delete(self, key: str) -> None: ...
    def exists(self, key: str) -> bool: ...
    def keys(self) -> Iterator[str]: ...
    def increment(self, key: str, delta: int) -> int: ...
    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes: ...


class _Memory:
    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._values.get(key)

    def set(self, key: str, value: bytes) -> None:
        self._values[key] = value

    def delete(self, key: str) -> None:
        self._values.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self._values

    def keys(self) -> Iterator[str]:
        return iter(list(self._values))

    def increment(self, key: str, delta: int) -> int:
        value = int(self._values.get(key, b"0")) + delta
        self._values[key] = str(value).encode()
        return value

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        self._values[key] = change(self._values.get(key))
        return self._values[key]


_store: Store = _Memory()


def get(key: str) -> bytes | None:
    """The value of a key, if it has one."""
    return _store.get(key)


def get_text(key: str) -> str | None:
    """The value of a key as text, if it has one."""
    value = _store.get(key)
    return None if value is None else value.decode()


def set(key: str, value: bytes | str) -> None:
    """Gives a key a value, in place of any before; all of it or nothing.

    Raises:
        StorageError: The quota is used up, or there is none.
    """
    _store.set(key, _bytes(value))


def delete(key: str) -> None:
    """Takes a key out, if it is there."""
    _store.delete(key)


def exists(key: str) -> bool:
    """Whether a key has a value."""
    return _store.exists(key)


def keys() -> Iterator[str]:
    """The keys."""
    return _store.keys()


def increment(key: str, delta: int = 1) -> int:
    """Adds to the number under a key (none is 0) and gives the sum; nothing can come between."""
    return _store.increment(key, delta)


def update(key: str, change: Callable[[bytes | None], bytes | str]) -> bytes:
    """Gives a key the value that ``change`` makes of the one before; nothing can come between.

    Where another call was faster, ``change`` is called again.
    """
    return _store.update(key, lambda value: _bytes(change(value)))


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
