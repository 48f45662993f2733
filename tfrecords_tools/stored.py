"""Stored records, read back one by one and without decoding anything."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import open_binary
from keras_stprivacy.data.crc32c import Crc32c
from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.framing import record_spans
from keras_stprivacy.data.manifest import DatasetInfo
from tfrecords_tools.wire_reader import Feature, parse_example

_CHECKSUM_BYTES = 4


class StoredRecord:
    """One record of a shard.

    Args:
        shard: file name of the shard.
        index: 0-based, in the shard.
        payload: the serialized `tf.train.SequenceExample`.

    Raises:
        ValueError: if the payload is none.
    """

    def __init__(self, shard: str, index: int, payload: bytes):
        self.shard = shard
        self.index = index
        self.bytes = len(payload)
        try:
            self._example = parse_example(payload)
        except ValueError as error:
            raise ValueError(f"it is no tf.train.SequenceExample: {error}") from error

    def values(self, key: str, kind: str) -> list[Any]:
        """The values of a context feature; none where there is no such feature.

        Args:
            key: of the feature.
            kind: "bytes", "int64" or "float".

        Raises:
            ValueError: if the feature is of another kind.
        """
        return _values(key, self._example.context.get(key, ("", [])), kind)

    def one(self, key: str, kind: str) -> Any:
        """The only value of a context feature.

        Raises:
            ValueError: if there is not exactly one.
        """
        values = self.values(key, kind)
        if len(values) != 1:
            raise ValueError(f"{key} must have one value. Received: {len(values)}")
        return values[0]

    def text(self, key: str) -> str:
        """The only value of a context feature as text; bytes that are none are escaped."""
        return self.one(key, "bytes").decode("utf-8", "backslashreplace")

    def texts(self, key: str) -> list[str]:
        """The values of a context feature as text."""
        return [value.decode("utf-8", "backslashreplace") for value in self.values(key, "bytes")]

    def lists(self) -> list[str]:
        """The keys of the feature lists, sorted."""
        return sorted(self._example.lists)

    def per_frame(self, key: str, kind: str) -> list[list[Any]]:
        """The values of a feature list, one list per frame; none where there is no such list."""
        return [_values(key, feature, kind) for feature in self._example.lists.get(key, ())]

    @property
    def id(self) -> str:
        """The id of the video."""
        return self.text(schema.EXAMPLE_ID)

    @property
    def frames(self) -> list[bytes]:
        """The JPEGs."""
        frames = self.per_frame(schema.IMAGE_ENCODED, "bytes")
        if any(len(frame) != 1 for frame in frames):
            raise ValueError(f"each entry of {schema.IMAGE_ENCODED} must be one JPEG")
        return [frame[0] for frame in frames]

    @property
    def timestamps(self) -> list[int]:
        """µs from the first frame, one a frame."""
        times = self.per_frame(schema.IMAGE_TIMESTAMP, "int64")
        if any(len(time) != 1 for time in times):
            raise ValueError(f"each entry of {schema.IMAGE_TIMESTAMP} must be one number")
        return [time[0] for time in times]

    def marks(self, num_attributes: int) -> np.ndarray | None:
        """The private attributes as uint8 (P,) of 0 and 1; None where they were not annotated.

        Raises:
            ValueError: if an index is outside of the attributes.
        """
        if self.values(schema.PRIVACY_IS_ANNOTATED, "int64")[:1] != [1]:
            return None
        present = self.values(schema.PRIVACY_INDEX, "int64")
        if any(not 0 <= index < num_attributes for index in present):
            raise ValueError(
                f"{schema.PRIVACY_INDEX} must be indices of the {num_attributes} attributes. "
                f"Received: {present[:20]}"
            )
        marks = np.zeros(num_attributes, "uint8")
        marks[present] = 1
        return marks


def _values(key: str, feature: Feature, kind: str) -> list[Any]:
    received, values = feature
    if received not in ("", kind):
        raise ValueError(f"{key} must be of the kind {kind}. Received: {received}")
    return values


def stored_payloads(path: str | os.PathLike) -> Iterator[tuple[bytes, bool]]:
    """The payloads of a shard, and whether each is as its checksum says.

    Raises:
        ShardError: if the file is missing or its framing is damaged; names the record.
    """
    spans = record_spans(path)  # opens the file, or says why not
    first = next(spans, None)
    if first is None:
        return
    with open_binary(path) as file:
        span: tuple[int, int] | None = first
        while span is not None:
            file.seek(span[0])
            payload = file.read(span[1])
            checksum = int.from_bytes(file.read(_CHECKSUM_BYTES), "little")
            crc = Crc32c()
            crc.update(payload)
            yield payload, crc.masked == checksum
            span = next(spans, None)


def stored_records(info: DatasetInfo, split: str | None = None) -> Iterator[StoredRecord]:
    """All records of a dataset or a split, in the order of splits and shards.

    Raises:
        ShardError: if a file is missing, or a record is damaged or no record.
        UnknownSplitError: if there is no such split.
    """
    for name in sorted(info.splits) if split is None else [split]:
        for shard in info.shards(name):
            path = info.directory / shard.file
            for index, (payload, good) in enumerate(stored_payloads(path)):
                if not good:
                    raise ShardError(path, index, "the payload is damaged; convert again")
                try:
                    yield StoredRecord(shard.file, index, payload)
                except ValueError as error:
                    raise ShardError(path, index, f"{error}; convert again") from error
