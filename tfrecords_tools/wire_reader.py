"""Reads `tf.train.SequenceExample` from protobuf's wire format, without TensorFlow.

Commands that only look at records need not wait for TensorFlow to load.
"""

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_KINDS = {1: "bytes", 2: "float", 3: "int64"}  # fields of tf.train.Feature
_LONGEST_VARINT = 10
_NO_FEATURE: tuple[str, list[Any]] = ("", [])

Feature = tuple[str, list[Any]]


@dataclasses.dataclass(frozen=True)
class Example:
    """A parsed `tf.train.SequenceExample`.

    Attributes:
        context: key → kind ("bytes", "float", "int64", or "" for none) and values.
        lists: key → one feature per frame.
    """

    context: dict[str, Feature]
    lists: dict[str, list[Feature]]


def parse_example(data: bytes) -> Example:
    """Parses a serialized `tf.train.SequenceExample`.

    Raises:
        ValueError: if the bytes are none.

    Example:

    >>> parse_example(b"").context
    {}
    """
    example = Example({}, {})
    for number, value in _messages(memoryview(data)):
        if number == 1:
            for key, feature in _entries(value):
                example.context[key] = _feature(feature)
        elif number == 2:
            for key, features in _entries(value):
                parts = _messages(features)
                example.lists[key] = [_feature(part) for field, part in parts if field == 1]
    return example


def _entries(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    """Keys and values of a message that is a map."""
    for number, entry in _messages(data):
        if number != 1:
            continue
        key, value = memoryview(b""), memoryview(b"")
        for field, part in _messages(entry):
            if field == 1:
                key = part
            elif field == 2:
                value = part
        yield bytes(key).decode("utf-8"), value


def _feature(data: memoryview) -> Feature:
    kind, values = _NO_FEATURE
    for number, content in _messages(data):
        if number in _KINDS:
            if kind != _KINDS[number]:
                kind, values = _KINDS[number], []
            values = [*values, *_list_values(kind, content)]
    return kind, values


def _list_values(kind: str, data: memoryview) -> Iterator[Any]:
    for number, wire, value in _fields(data):
        if number != 1:
            continue
        if kind == "bytes" and wire == _DELIMITED:
            yield bytes(value)
        elif kind == "int64" and wire == _VARINT:
            yield _signed(value)
        elif kind == "int64" and wire == _DELIMITED:
            position = 0
            while position < len(value):
                packed, position = _varint(value, position)
                yield _signed(packed)
        elif kind == "float" and wire in (_DELIMITED, _FIXED32):
            if len(value) % 4:
                raise ValueError("a list of floats ends inside one of them")
            yield from struct.unpack(f"<{len(value) // 4}f", value)


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a message that hold messages, texts or bytes."""
    for number, wire, value in _fields(data):
        if wire == _DELIMITED:
            yield number, value


def _fields(data: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise ValueError("a field has the number 0")
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, wire, value
            continue
        if wire == _DELIMITED:
            size, position = _varint(data, position)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"a field has the unknown type {wire}")
        if position + size > len(data):
            raise ValueError(f"{position + size - len(data)} bytes are missing")
        yield number, wire, data[position : position + size]
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A number and where it ends."""
    value = 0
    for i, byte in enumerate(data[position : position + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position + i + 1
    raise ValueError("a number has no end")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
