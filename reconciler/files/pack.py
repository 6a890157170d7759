"""A mapping as read from a file, packed: what it says and where, each as one run of bytes.

A parsed mapping with the place of everything in it takes some twenty times the room of its text.
Of an estate of a hundred thousand APIs the documents are packed as they are read, and one that
matters is opened again. Most say the same as others and stand at the same lines: each run of bytes
is held once.
"""

from __future__ import annotations

import marshal
from array import array
from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

from reconciler.core.exact import exact_bytes
from reconciler.files.yaml import Map, Seq, TextFloat, TextInt

_INT, _FLOAT = "i", "f"


class Packed(Mapping[str, Any]):
    """A packed `Map`; reads like one, but for the places, which `opened` brings back.

    content: the same for two that say the same, however they are laid out in their files.
    """

    __slots__ = ("_places", "content")

    def __init__(self, content: bytes, places: bytes) -> None:
        self.content = content
        self._places = places

    def open(self) -> Map:
        """A fresh `Map`, as it was packed."""
        places = array("I")
        places.frombytes(self._places)
        numbers = iter(places)
        made = _unpacked(marshal.loads(self.content), numbers)
        assert isinstance(made, Map)
        return made

    def __getitem__(self, key: str) -> Any:
        return self.open()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.open())

    def __len__(self) -> int:
        return len(self.open())

    def items(self) -> ItemsView[str, Any]:
        return self.open().items()


class Packer:
    """Packs mappings, and holds each run of bytes once."""

    def __init__(self) -> None:
        self._held: dict[bytes, bytes] = {}

    def pack(self, value: Map) -> Packed:
        places = array("I")
        content = exact_bytes(_packed(value, places))
        return Packed(self._once(content), self._once(places.tobytes()))

    def _once(self, data: bytes) -> bytes:
        return self._held.setdefault(data, data)


def opened(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping with its places, where it has any."""
    return value.open() if isinstance(value, Packed) else value


def said(value: Mapping[str, Any]) -> object:
    """Stands for what a mapping says, wherever it stands; equal only where that is."""
    return value.content if isinstance(value, Packed) else repr(value)


def _packed(value: Any, places: array[int]) -> Any:
    """Plain values that marshal takes; a number with a spelling of its own is a tuple."""
    kind = type(value)
    if kind is Map:
        places.extend(value.at)
        made = {}
        for key, item in value.items():
            places.extend(value.key_at[key])
            places.extend(value.value_at[key])
            made[key] = _packed(item, places)
        return made
    if kind is Seq:
        places.extend(value.at)
        items = []
        for item, at in zip(value, value.item_at, strict=True):
            places.extend(at)
            items.append(_packed(item, places))
        return items
    if kind is TextInt:
        return (_INT, int(value), value.text)
    if kind is TextFloat:
        return (_FLOAT, float(value), value.text)
    return value


def _unpacked(value: Any, places: Iterator[int]) -> Any:
    kind = type(value)
    if kind is dict:
        made = Map((next(places), next(places)))
        for key, item in value.items():
            made.key_at[key] = (next(places), next(places))
            made.value_at[key] = (next(places), next(places))
            made[key] = _unpacked(item, places)
        return made
    if kind is list:
        items = Seq((next(places), next(places)))
        for item in value:
            items.item_at.append((next(places), next(places)))
            items.append(_unpacked(item, places))
        return items
    if kind is tuple:
        number = TextInt(value[1]) if value[0] == _INT else TextFloat(value[1])
        number.text = value[2]
        return number
    return value
