"""`dataset.json`: what a converted dataset holds."""

import dataclasses
import hashlib
import json
import os
import pathlib
from typing import Any

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import Address, as_place
from keras_stprivacy.data.errors import (
    DatasetFormatError,
    DatasetNotFoundError,
    EmptyDatasetError,
    NewerFormatError,
    UnknownSplitError,
)
from keras_stprivacy.data.manifest_fields import (
    field_of,
    groups_of,
    is_count,
    names_of,
    shards_of,
)
from keras_stprivacy.data.shard_info import ShardInfo

_DATA_FOLDER_VARIABLE = "STPRIVACY_DATA"


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """A converted dataset, as its `dataset.json` describes it.

    Attributes:
        directory: where the shards are.
        name: of the dataset.
        class_names: the actions, in the order of their indices.
        attribute_names: the private attributes, in the order of their indices; may be empty.
        splits: name of a split → its shards.
        settings: how the frames were stored.
        source: which dataset, and how it was split.
        sources: id → what a record was made from (path, split, bytes, SHA-256, and where it is
            known the source video that it was cut from).
        quarantined: videos that were left out, each with `id`, `split` and `reason`.
        missing: ids that the lists name and that have no video.
        multi_label: whether a video may have any number of actions.
        attribute_groups: where the attributes are of several kinds: kind → how many, in the order
            of `attribute_names`.
    """

    directory: pathlib.Path | Address
    name: str
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    splits: dict[str, tuple[ShardInfo, ...]]
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    source: dict[str, Any] = dataclasses.field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    quarantined: tuple[dict[str, Any], ...] = ()
    missing: tuple[str, ...] = ()
    multi_label: bool = False
    attribute_groups: dict[str, int] = dataclasses.field(default_factory=dict)

    def shards(self, split: str) -> tuple[ShardInfo, ...]:
        """The shards of a split.

        Raises:
            UnknownSplitError: if there is no such split.
        """
        if split not in self.splits:
            raise UnknownSplitError(
                f"Dataset {self.name!r} has the splits {sorted(self.splits)}. "
                f"Received: split={split!r}"
            )
        return self.splits[split]

    def num_clips(self, split: str) -> int:
        """Number of videos in a split."""
        return sum(shard.records for shard in self.shards(split))

    def source_video_of(self, video: str) -> str | None:
        """What a video, named by its id, was cut from; None where that is not known."""
        source = self.sources.get(video)
        named = source.get("source_video") if isinstance(source, dict) else None
        return named if isinstance(named, str) else None

    def has_source_videos(self, split: str | None = None) -> bool:
        """Whether it is known of any video of a split, or of all, what it was cut from."""
        return any(
            self.source_video_of(video) is not None
            for video, source in self.sources.items()
            if split is None or (isinstance(source, dict) and source.get("split") == split)
        )

    def to_json(self) -> str:
        """The text of `dataset.json`; the same dataset always gives the same text.

        A file that differs from this text of what was read from it was changed later.
        """
        content = {
            "format": schema.FORMAT_NAME,
            # An older package is to refuse what it would read wrongly, and nothing else.
            "format_version": (
                schema.FORMAT_VERSION if self.multi_label else schema.SINGLE_LABEL_VERSION
            ),
            "name": self.name,
            "class_names": list(self.class_names),
            "attribute_names": list(self.attribute_names),
            "settings": self.settings,
            "source": self.source,
            "splits": {
                split: {
                    "records": self.num_clips(split),
                    "shards": [dataclasses.asdict(shard) for shard in shards],
                }
                for split, shards in sorted(self.splits.items())
            },
            "quarantined": list(self.quarantined),
            "missing": list(self.missing),
            "sources": dict(sorted(self.sources.items())),
        }
        if self.multi_label:
            content["multi_label"] = True
        if self.attribute_groups:
            content["attribute_groups"] = self.attribute_groups
        # Shards have hashes of their own; this one is of all that is said about them.
        content["checksum"] = hashlib.sha256(
            _dumped(content).encode("utf-8", "replace")
        ).hexdigest()
        return _dumped(content) + "\n"


def _dumped(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False)


def find_dataset(source: str | os.PathLike) -> pathlib.Path | Address:
    """The directory of a converted dataset.

    Args:
        source: a directory, or the bare name of one inside the folder that the environment variable
            `STPRIVACY_DATA` names. A directory goes first.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json` in it.
    """
    text = os.fspath(source)
    directory = as_place(text)
    if (directory / schema.MANIFEST_NAME).is_file():
        return directory
    if directory.is_dir():
        raise DatasetNotFoundError(
            f"{directory} holds no {schema.MANIFEST_NAME}, which a conversion writes last: the "
            "conversion was not made or not finished. Run `stprivacy-tfrecords convert` (again: it "
            "goes on where it stopped)."
        )
    if isinstance(directory, Address) or directory.name != text or text in ("", ".", ".."):
        raise DatasetNotFoundError(f"There is no directory {directory}.")
    folder = os.environ.get(_DATA_FOLDER_VARIABLE)
    if not folder:
        raise DatasetNotFoundError(
            f"{text!r} is no directory, and {_DATA_FOLDER_VARIABLE}, the environment variable that "
            "names the folder where datasets are looked up by name, is not set. Set it, or pass "
            f"the directory that holds {schema.MANIFEST_NAME}."
        )
    directory = pathlib.Path(folder) / text
    if not (directory / schema.MANIFEST_NAME).is_file():
        raise DatasetNotFoundError(
            f"There is no {directory / schema.MANIFEST_NAME} "
            f"({_DATA_FOLDER_VARIABLE}={folder!r}). Convert the dataset into that directory, or "
            "pass the one where it is."
        )
    return directory


def dataset_info(source: str | os.PathLike) -> DatasetInfo:
    """Reads and checks a `dataset.json`.

    Args:
        source: a directory that holds `dataset.json`, or the bare name of one inside the folder
            that the environment variable `STPRIVACY_DATA` names.

    Returns:
        A `DatasetInfo`.

    Raises:
        DatasetNotFoundError: if there is none.
        DatasetFormatError: if it is damaged or of a newer format.
        EmptyDatasetError: if it has no splits at all.
    """
    directory = find_dataset(source)
    try:
        text = (directory / schema.MANIFEST_NAME).read_text(encoding="utf-8")
    except ValueError as error:
        raise DatasetFormatError(
            f"{directory / schema.MANIFEST_NAME} is not text ({error}). Convert the dataset again."
        ) from error
    return parse_info(text, directory)


def parse_info(text: str, directory: pathlib.Path | Address) -> DatasetInfo:
    """Reads and checks the text of a `dataset.json`.

    Args:
        text: what the file holds.
        directory: where it is.

    Raises:
        DatasetFormatError: if it is damaged or of a newer format.
        EmptyDatasetError: if it has no splits at all.
    """
    path = directory / schema.MANIFEST_NAME
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetFormatError(
            f"{path} is not readable JSON ({error}). Convert the dataset again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != schema.FORMAT_NAME:
        raise DatasetFormatError(
            f"{path} does not describe clip records: its 'format' must be {schema.FORMAT_NAME!r}."
        )
    version = content.get("format_version")
    if not isinstance(version, int) or not is_count(version):
        raise DatasetFormatError(
            f"{path}: 'format_version' must be a whole number. Received: {version!r}"
        )
    if version > schema.FORMAT_VERSION:
        raise NewerFormatError(
            f"{path} is of format version {version}; this keras_stprivacy reads up to "
            f"{schema.FORMAT_VERSION}. Update the package, or convert the dataset again."
        )
    info = DatasetInfo(
        directory=directory,
        name=field_of(path, content, "name", str),
        class_names=names_of(path, content, "class_names"),
        attribute_names=names_of(path, content, "attribute_names"),
        splits={
            split: shards_of(path, split, entry)
            for split, entry in field_of(path, content, "splits", dict).items()
        },
        settings=field_of(path, content, "settings", dict),
        source=field_of(path, content, "source", dict),
        sources=field_of(path, content, "sources", dict),
        quarantined=tuple(field_of(path, content, "quarantined", list)),
        missing=tuple(field_of(path, content, "missing", list)),
        multi_label=field_of(path, {"multi_label": False, **content}, "multi_label", bool),
        attribute_groups=groups_of(path, content),
    )
    for key, items in (("sources", info.sources.values()), ("quarantined", info.quarantined)):
        if not all(isinstance(item, dict) for item in items):
            raise DatasetFormatError(f"{path}: {key!r} must say of every video what became of it.")
    if not info.splits:
        raise EmptyDatasetError(f"{path} lists no splits: nothing was converted.")
    return info
