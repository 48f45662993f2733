"""PA-HMDB51: videos of HMDB51 with private attributes of every frame."""

import os
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import VIDEOS, Adapter, Option
from tfrecords_tools.datasets.hmdb51 import film_of, group_of, listed_videos
from tfrecords_tools.datasets.json_files import read_object
from tfrecords_tools.datasets.lists import check_fold, find_folder, is_name, without_ending
from tfrecords_tools.datasets.privacy_labels import PRIVACY_ATTRIBUTES
from tfrecords_tools.datasets.video_files import files_of, is_video
from tfrecords_tools.frame_attributes import FrameAttributes, Segment
from tfrecords_tools.source import SourceDataset, SourceEntry

_SPLIT = "test"


def pa_hmdb51(
    source: str | os.PathLike,
    annotations: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    lists: str | os.PathLike | None = None,
    fold: int = 1,
) -> SourceDataset:
    """PA-HMDB51: a dataset to test on, all of it in the split "test".

    Its videos are of all parts of HMDB51. To test what has learned from a split of HMDB51, give the
    lists of that split: then those are left out that it has for training, or does not have.

    Records hold, for every attribute and frame, the values that were annotated
    (`PRIVACY/image/label/<attribute>/raw`: several where several apply, none where nobody annotated
    the frame) and whether any of them is not 0 (`PRIVACY/image/label/<attribute>`, 0 in such gaps).
    Where annotations overlap, all of their values count. A video has an attribute if any annotated
    frame has it; a video that lacks annotations of an attribute altogether counts as unannotated.

    Args:
        source: the folder that holds annotations and videos.
        annotations: the folder with one JSON file per action; by default `PrivacyAttributes` or
            `annotations` in `source`.
        videos: the folder with one folder per class, as of HMDB51; by default `videos`,
            `hmdb51_org` or `hmdb51` in `source`.
        lists: the folder with HMDB51's `<class>_test_split<fold>.txt`; None: every video is taken.
        fold: 1, 2 or 3: which official split `lists` is for.

    Returns:
        A `SourceDataset` named "pa_hmdb51", its classes being the actions with annotations.

    Raises:
        LabelFileError: if a folder or file is missing or not what it should be.
        ValueError: if there is no such fold.
    """
    check_fold(fold)
    source = pathlib.Path(source)
    of_test = None if lists is None else _test_videos(pathlib.Path(lists), fold)
    folder = find_folder(
        source, annotations, ["PrivacyAttributes", "annotations"], "the annotations"
    )
    root = find_folder(source, videos, ["videos", "hmdb51_org", "hmdb51"], "the videos")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")
    if not paths:
        raise LabelFileError(f"No file named <class>.json in {folder}.")
    class_names = tuple(path.stem for path in paths)
    entries: list[SourceEntry] = []
    missing, notes, unlisted, unannotated, of_training = [], [], 0, 0, 0
    for action, path in enumerate(paths):
        there, trouble = files_of(root / path.stem)
        if trouble:
            notes.append(f"a folder cannot be read: {trouble}")
        by_stem: dict[str, str] = {}
        for name in sorted(there):
            if is_video(name):
                by_stem.setdefault(without_ending(name), name)
        wanted = set()
        for clip, content in sorted(read_object(path).items()):
            frames = _frame_attributes(path, clip, content)
            stem = clip if clip in by_stem else without_ending(clip)
            if stem in wanted:
                raise LabelFileError(f"{path} has two annotations of {stem!r}.")
            wanted.add(stem)
            if stem not in by_stem:
                missing.append(f"{path.stem}/{stem}")
                continue
            if of_test is not None and f"{path.stem}/{stem}" not in of_test:
                of_training += 1
                continue
            complete = all(frames.segments[name] for name in PRIVACY_ATTRIBUTES)
            unannotated += not complete
            entries.append(
                SourceEntry(
                    id=f"{path.stem}/{stem}",
                    split=_SPLIT,
                    action=action,
                    attributes=frames.anywhere(PRIVACY_ATTRIBUTES) if complete else None,
                    file=pathlib.PurePosixPath(path.stem, by_stem[stem]),
                    frame_attributes=frames,
                    source_video=film_of(f"{path.stem}/{stem}"),
                )
            )
        unlisted += len(set(by_stem) - wanted)
    if missing:
        notes.append(
            f"{len(missing)} of {len(missing) + len(entries) + of_training} annotated videos are "
            "not in "
            f"{root.name}"
        )
    if of_training:
        notes.append(f"{of_training} videos are not of the test of split {fold} and were left out")
    if unannotated:
        notes.append(f"{unannotated} videos lack an attribute and count as unannotated")
    if unlisted:
        notes.append(f"{unlisted} videos beside them have no annotations")

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries)

    return SourceDataset(
        name="pa_hmdb51",
        class_names=class_names,
        attribute_names=PRIVACY_ATTRIBUTES,
        root=root,
        make_entries=make_entries,
        origin={"adapter": "pa-hmdb51"} | ({} if of_test is None else {"fold": fold}),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _test_videos(lists: pathlib.Path, fold: int) -> set[str]:
    if not lists.is_dir():
        raise LabelFileError(f"The folder with the split lists is not there: {lists}")
    listed = listed_videos(lists, fold)[1]
    return {without_ending(video) for video, split, _ in listed if split == "test"}


def _frame_attributes(path: pathlib.Path, clip: str, content: Any) -> FrameAttributes:
    if not is_name(clip) or not isinstance(content, dict):
        raise LabelFileError(
            f"{path}: needed is the name of a clip with an object of attributes. Received: "
            f"{clip[:80]!r}: {repr(content)[:80]}"
        )
    segments = {}
    for name in PRIVACY_ATTRIBUTES:
        said = content.get(name, [])
        if not isinstance(said, list):
            raise LabelFileError(_wrong(path, clip, name, said))
        segments[name] = tuple(_segment(path, clip, name, part) for part in said)
    return FrameAttributes(segments)


def _segment(path: pathlib.Path, clip: str, name: str, part: Any) -> Segment:
    if not isinstance(part, list) or len(part) != 3:
        raise LabelFileError(_wrong(path, clip, name, part))
    first, last, value = part
    values = value if isinstance(value, list) else [value]
    if (
        not values
        or not all(type(number) is int for number in (first, last, *values))
        or not 0 <= first <= last
        or not all(0 <= number < 1 << 31 for number in values)
    ):
        raise LabelFileError(_wrong(path, clip, name, part))
    return first, last, tuple(values)


def _wrong(path: pathlib.Path, clip: str, name: str, received: Any) -> str:
    return (
        f"{path}: {name} of {clip!r} must be a list of [first frame, last frame, value], with "
        f"whole numbers from 0 and a value that may be a list. Received: {repr(received)[:120]}"
    )


ADAPTER = Adapter(
    name="pa-hmdb51",
    load=pa_hmdb51,
    summary="PA-HMDB51: HMDB51 videos with private attributes of every frame, for testing.",
    layout="""\
SOURCE/PrivacyAttributes/<class>.json  the published annotations (or annotations/)
SOURCE/videos/<class>/<clip>.avi       the videos of HMDB51 (or hmdb51_org/, hmdb51/)
--lists FOLDER                         HMDB51's <class>_test_split<1, 2 or 3>.txt (optional)""",
    example="pa-hmdb51 /data/pa_hmdb51 records/pa_hmdb51 --videos /data/hmdb51/videos",
    options=(
        Option("annotations", "Where the JSON files are, if not in SOURCE.", "folder"),
        VIDEOS,
        Option("lists", "HMDB51's split lists: only videos for testing are taken.", "folder"),
        Option("fold", "Which official split these are for.", "integer", 1, minimum=1, maximum=3),
    ),
    group_of=group_of,
)
