"""The fields of `dataset.json`, checked one by one."""

import dataclasses
import os
import pathlib
from typing import Any

from keras_stprivacy.data.address import Address
from keras_stprivacy.data.errors import DatasetFormatError
from keras_stprivacy.data.shard_info import ShardInfo


def is_count(value: Any) -> bool:
    """Whether a value is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def field_of(path: pathlib.Path | Address, content: dict, key: str, kind: type) -> Any:
    """A field that must be there and be of a kind.

    Args:
        path: of the file, for the message.
        content: of the file.
        key: of the field.
        kind: type of its value.

    Raises:
        DatasetFormatError: if it is missing or of another kind.
    """
    value = content.get(key)
    if not isinstance(value, kind):
        received = "nothing" if key not in content else repr(value)[:80]
        raise DatasetFormatError(f"{path}: {key!r} must be a {kind.__name__}. Received: {received}")
    return value


def groups_of(path: pathlib.Path | Address, content: dict) -> dict[str, int]:
    """The kinds of attributes with their counts; none where there is one kind.

    Raises:
        DatasetFormatError: if they do not count the attributes.
    """
    groups = field_of(path, {"attribute_groups": {}, **content}, "attribute_groups", dict)
    if not all(map(is_count, groups.values())):
        raise DatasetFormatError(f"{path}: 'attribute_groups' must be names with counts.")
    if groups and sum(groups.values()) != len(content["attribute_names"]):
        raise DatasetFormatError(
            f"{path}: 'attribute_groups' must count {len(content['attribute_names'])} attributes. "
            f"Received: {groups}"
        )
    return groups


def names_of(path: pathlib.Path | Address, content: dict, key: str) -> tuple[str, ...]:
    """A list of names.

    Raises:
        DatasetFormatError: if it is none, or a name stands there twice.
    """
    names = field_of(path, content, key, list)
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise DatasetFormatError(f"{path}: {key!r} must be a list of different names.")
    return tuple(names)


def shards_of(path: pathlib.Path | Address, split: str, entry: Any) -> tuple[ShardInfo, ...]:
    """The shards of a split.

    Raises:
        DatasetFormatError: if one of them lacks something.
    """
    shards = entry.get("shards") if isinstance(entry, dict) else None
    if not isinstance(shards, list):
        raise DatasetFormatError(f"{path}: split {split!r} must have a list of 'shards'.")
    return tuple(_shard(path, split, shard) for shard in shards)


def _shard(path: pathlib.Path | Address, split: str, shard: Any) -> ShardInfo:
    fields = {field.name: field.type for field in dataclasses.fields(ShardInfo)}
    good = isinstance(shard, dict) and all(
        is_count(shard.get(name)) if kind is int else isinstance(shard.get(name), str)
        for name, kind in fields.items()
    )
    if not good:
        raise DatasetFormatError(
            f"{path}: each shard of split {split!r} must have {', '.join(fields)}. "
            f"Received: {repr(shard)[:120]}"
        )
    if os.path.basename(shard["file"]) != shard["file"] or shard["file"] in ("", ".", ".."):
        raise DatasetFormatError(
            f"{path}: a shard's 'file' must be a bare file name. Received: {shard['file']!r}"
        )
    return ShardInfo(**{name: shard[name] for name in fields})
