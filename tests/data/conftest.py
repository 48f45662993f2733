"""Records whose contents say where they come from."""

import pathlib
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from made_clips import EXACT

from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert
from tfrecords_tools.frame_attributes import FrameAttributes


@pytest.fixture
def write_records(tmp_path) -> Callable[..., pathlib.Path]:
    """Writes clips as a dataset and returns its directory."""

    def write(
        clips: Iterable[np.ndarray],
        actions: Iterable[int] | None = None,
        attributes: Iterable[tuple[int, ...] | None] | None = None,
        attribute_names: tuple[str, ...] = (),
        split: str = "train",
        settings: ConversionSettings = EXACT,
        boxes: Iterable[np.ndarray] | None = None,
        frame_attributes: Iterable[FrameAttributes | None] | None = None,
        source_videos: Iterable[str | None] | None = None,
    ) -> pathlib.Path:
        clips = list(clips)
        actions = [0] * len(clips) if actions is None else list(actions)
        attributes = [None] * len(clips) if attributes is None else list(attributes)
        frame_attributes = list(frame_attributes or [None] * len(clips))
        boxes = list(boxes or [None] * len(clips))
        source_videos = list(source_videos or [None] * len(clips))
        entries = [
            SourceEntry(
                f"clip{i:03d}",
                split,
                actions[i],
                attributes[i],
                clip=clip,
                frame_rate=10.0,
                boxes=boxes[i],
                frame_attributes=frame_attributes[i],
                source_video=source_videos[i],
            )
            for i, clip in enumerate(clips)
        ]
        names = tuple(f"action{i}" for i in range(max(actions) + 1))
        dataset = SourceDataset("made", names, attribute_names, None, lambda: iter(entries))
        convert(dataset, tmp_path / "records", settings, workers=1)
        return tmp_path / "records"

    return write
