"""Records → a TFRecord file."""

import hashlib
import struct
from typing import BinaryIO

from keras_stprivacy.data.crc32c import Crc32c
from keras_stprivacy.data.framing import masked_crc
from tfrecords_tools.wire import SequenceExample, joined

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_LONGEST = (1 << 31) - 1  # protobuf reads no longer message


class RecordWriter:
    """Writes records one after the other and keeps count.

    Args:
        file: what to write to.

    Attributes:
        bytes: written so far.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._sha256.hexdigest()

    def write(self, record: SequenceExample) -> None:
        """Writes one record.

        Raises:
            OSError: if it cannot be written, as when the disk is full.
        """
        length = _LENGTH.pack(len(record))
        self._put(length + _CHECKSUM.pack(masked_crc(length)))
        crc, size = Crc32c(), 0
        for piece in joined(record.pieces()):
            crc.update(piece)
            size += len(piece)
            self._put(piece)
        if size != len(record):
            raise RuntimeError(f"a record of {len(record)} bytes turned out to have {size}")
        self._put(_CHECKSUM.pack(crc.masked))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self.bytes += len(data)


def fits(record: SequenceExample) -> bool:
    """Whether readers can parse a record of this length."""
    return len(record) <= _LONGEST
