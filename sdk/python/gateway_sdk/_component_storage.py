"""The component's side of `wasi:keyvalue`, of a plugin that remembers something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from componentize_py_types import Err
from wit_world.imports import atomics, store

from . import storage
from .errors import StorageError


class _Bucket:
    """The plugin's one bucket, opened for each thing that is done: a module lives longer than what it has opened."""

    def get(self, key: str) -> bytes | None:
        return _do(lambda bucket: bucket.get(key))  # type: ignore[no-any-return]

    def set(self, key: str, value: bytes) -> None:
        _do(lambda bucket: bucket.set(key, value))

    def delete(self, key: str) -> None:
        _do(lambda bucket: bucket.delete(key))

    def exists(self, key: str) -> bool:
        return bool(_do(lambda bucket: bucket.exists(key)))

    def keys(self) -> Iterator[str]:
        cursor = None
        while True:
            part = _do(lambda bucket: bucket.list_keys(cursor))
            yield from part.keys
            cursor = part.cursor
            if cursor is None:
                return

    def increment(self, key: str, delta: int) -> int:
        return int(_do(lambda bucket: atomics.increment(bucket, key, delta)))

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> bytes:
        cas = _do(lambda bucket: atomics.Cas.new(bucket, key))
        while True:
            value = change(_raised(cas.current))
            try:
                atomics.swap(cas, value)
                return value
            except Err as error:
                if not isinstance(error.value, atomics.CasError_CasFailed):
                    raise _error(error.value.value) from None
                cas = error.value.value


def _do(work: Callable[[Any], Any]) -> Any:
    def opened() -> Any:
        with store.open("") as bucket:
            return work(bucket)

    return _raised(opened)


def _raised(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Err as error:
        raise _error(error.value) from None


def _error(error: Any) -> StorageError:
    if isinstance(error, store.Error_Other):
        return StorageError(error.value)
    if isinstance(error, store.Error_AccessDenied):
        return StorageError("the plugin was not granted storage (`limits.storage`)")
    return StorageError("there is no such store")


storage._store = _Bucket()
