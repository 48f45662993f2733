"""`tf.train.SequenceExample` in protobuf's wire format, piece by piece.

TensorFlow's own class needs all frames of a video in memory, several times over, and TensorFlow.
Keys are sorted, so that the same content always gives the same bytes.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tfrecords_tools.frame_store import FrameStore

_LENGTH_DELIMITED = 2
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3  # fields of tf.train.Feature


def bytes_feature(*values: bytes) -> bytes:
    """A `tf.train.Feature` of byte strings."""
    return _field(_BYTES_LIST, b"".join(_field(1, value) for value in values))


def text_feature(*values: str) -> bytes:
    """A `tf.train.Feature` of texts, in UTF-8."""
    return bytes_feature(*(value.encode() for value in values))


def int_feature(*values: int) -> bytes:
    """A `tf.train.Feature` of int64."""
    packed = b"".join(_varint(value & 0xFFFFFFFFFFFFFFFF) for value in values)
    return _field(_INT64_LIST, _field(1, packed) if values else b"")


def float_feature(*values: float) -> bytes:
    """A `tf.train.Feature` of float32."""
    packed = struct.pack(f"<{len(values)}f", *values)
    return _field(_FLOAT_LIST, _field(1, packed) if values else b"")


class SequenceExample:
    """A record, ready to be written.

    Args:
        context: key → feature.
        lists: key → one feature per frame.
        frames: key → frames, each to become a feature of one byte string.
    """

    def __init__(
        self,
        context: Mapping[str, bytes],
        lists: Mapping[str, Sequence[bytes]],
        frames: Mapping[str, FrameStore],
    ):
        entries = b"".join(_map_entry(key, context[key]) for key in sorted(context, key=_order))
        self._head = _field(1, entries) if entries else b""
        self._lists: list[tuple[bytes, FrameStore | bytes]] = []
        total = 0
        for key in sorted([*lists, *frames], key=_order):
            if key in frames:
                size = sum(_framed_size(size) for size in frames[key].sizes)
                content: FrameStore | bytes = frames[key]
            else:
                content = b"".join(_field(1, feature) for feature in lists[key])
                size = len(content)
            name = _field(1, key.encode())
            value = _tag(2) + _varint(size)
            length = len(name) + len(value) + size
            start = _tag(1) + _varint(length) + name + value
            self._lists.append((start, content))
            total += len(start) + size
        if self._lists:
            self._head += _tag(2) + _varint(total)
        self.length = len(self._head) + (total if self._lists else 0)

    def __len__(self) -> int:
        return self.length

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the record, from the first to the last."""
        yield self._head
        for start, content in self._lists:
            yield start
            if isinstance(content, bytes):
                yield content
            else:
                yield from (_field(1, bytes_feature(frame)) for frame in content)


def joined(pieces: Iterable[bytes], size: int = 1 << 20) -> Iterator[bytes]:
    """The same bytes in pieces of about `size`, for what has a cost per piece."""
    waiting, length = [], 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length >= size:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


def _order(key: str) -> bytes:
    return key.encode()


def _map_entry(key: str, value: bytes) -> bytes:
    return _field(1, _field(1, key.encode()) + _field(2, value))


def _framed_size(size: int) -> int:
    """Bytes of a frame of that size within its feature list."""
    for _ in range(3):  # value of the BytesList, BytesList of the Feature, Feature of the list
        size += 1 + len(_varint(size))
    return size


def _field(number: int, content: bytes) -> bytes:
    return _tag(number) + _varint(len(content)) + content


def _tag(number: int) -> bytes:
    return bytes([number << 3 | _LENGTH_DELIMITED])


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)
