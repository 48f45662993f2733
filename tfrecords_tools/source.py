"""What a dataset is to the converter: names, and an iterable of entries."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfrecords_tools.frame_attributes import FrameAttributes
from tfrecords_tools.settings import ConversionSettings


@dataclasses.dataclass(frozen=True)
class SourceEntry:
    """One video of a dataset.

    Exactly one of `file` and `clip` is given.

    Args:
        id: stable across runs and machines, unique in the dataset.
        split: name of the split that it belongs to: lower-case letters, digits and "_".
        action: index into the dataset's `class_names`; in a dataset with `multi_label`, a tuple of
            different indices, which may be empty.
        attributes: one 0 or 1 for each of the dataset's `attribute_names`, in a tuple or, where
            there are thousands, in `bytes`; None where they were not annotated.
        file: the video, relative to the dataset's `root`.
        clip: for videos that are not files: uint8 (F, H, W, 3).
        frame_rate: of `clip`, in frames per second.
        boxes: of `clip`: person boxes, float32 (F, 4) or (F, K, 4): ymin, xmin, ymax, xmax,
            normalised; NaN where there is none.
        frame_attributes: private attributes frame by frame, where they were annotated so.
        label_lists: further labels for other readers: an upper-case prefix such as "OBJECT" →
            `((index, name), ...)`, stored under `OBJECT/clip/label/...`.
        source_video: what the video was cut from, such as a film, a web video or a shot of a
            camera: the same text for all that were cut from it. None: not known.
    """

    id: str
    split: str
    action: int | tuple[int, ...]
    attributes: tuple[int, ...] | bytes | None = None
    file: pathlib.PurePosixPath | None = None
    clip: np.ndarray | None = None
    frame_rate: float | None = None
    boxes: np.ndarray | None = None
    frame_attributes: FrameAttributes | None = None
    label_lists: Mapping[str, tuple[tuple[int, str], ...]] | None = None
    source_video: str | None = None


@dataclasses.dataclass(frozen=True)
class SourceDataset:
    """A dataset as an adapter found it. Iterating over it gives its entries, which may be made anew
    each time.

    Args:
        name: of the dataset.
        class_names: the actions, in the order of their indices.
        attribute_names: the private attributes, in the order of their indices; may be empty.
        root: the folder below which all videos are; None where entries bring their own clips.
        make_entries: returns an iterator over the entries.
        origin: what to say in `dataset.json` about which split, seed and lists were used.
        missing: ids that the lists name and that have no video.
        notes: what else is to be said about the source, one sentence each.
        settings: how its videos are stored where nothing else is asked for.
        multi_label: whether a video may have any number of actions.
        attribute_groups: where the attributes are of several kinds: kind → how many, in the order
            of `attribute_names`.
    """

    name: str
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    root: pathlib.Path | None
    make_entries: Callable[[], Iterator[SourceEntry]]
    origin: dict[str, Any] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: ConversionSettings = dataclasses.field(default_factory=ConversionSettings)
    multi_label: bool = False
    attribute_groups: dict[str, int] = dataclasses.field(default_factory=dict)

    def __iter__(self) -> Iterator[SourceEntry]:
        return self.make_entries()
