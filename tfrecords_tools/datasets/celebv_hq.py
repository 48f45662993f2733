"""CelebV-HQ as FAPDER uses it: eight expressions, five protected attributes of the face."""

import collections
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import SEED, VIDEOS, Adapter, Option
from tfrecords_tools.datasets.drawing import check_test_fraction, drawn_splits
from tfrecords_tools.datasets.json_files import read_object
from tfrecords_tools.datasets.lists import find_folder
from tfrecords_tools.datasets.video_files import videos_by_stem
from tfrecords_tools.source import SourceDataset, SourceEntry

EXPRESSIONS = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")
PROTECTED = ("young", "pointy_nose", "male", "rosy_cheeks", "brown_hair")

_SAME = {"angry": "anger", "happiness": "happy", "sadness": "sad", "surprised": "surprise"}
_FILES = ("celebvhq_info.json", "celebvhq_info_sample.json")
_SEVERAL = ("longest", "first", "drop")
_SPLIT_BY = ("clip", "video")


def celebv_hq(
    source: str | os.PathLike,
    annotations: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
    several: str = "longest",
    split_by: str = "clip",
    test_fraction: float = 0.4,
    seed: int = 0,
) -> SourceDataset:
    """CelebV-HQ: which of eight expressions a face shows, and what of it is to be hidden.

    There is no official split: 60 of 100 clips of each expression train, 40 test, drawn by seed.

    Args:
        source: the folder that holds annotations and clips.
        annotations: the JSON file; by default `celebvhq_info.json` in `source`.
        videos: the folder with the clips, named as in the annotations; by default `35666`,
            `videos` or `processed` in `source`. Sub-folders are searched too.
        several: what to do with clips that show several expressions one after the other:
            "longest" takes the one shown longest (of equals the earlier), "first" the first one,
            "drop" leaves such clips out.
        split_by: "clip" draws clips one by one; "video" keeps clips of one YouTube video, which
            show the same person, in one split.
        test_fraction: share of the test split, in [0, 1).
        seed: of the draw of the split.

    Returns:
        A `SourceDataset` named "celebv_hq".

    Raises:
        LabelFileError: if a file or folder is missing or not what it should be.
        ValueError: if an argument is outside of what is said above.
    """
    for argument, value, known in (
        ("several", several, _SEVERAL),
        ("split_by", split_by, _SPLIT_BY),
    ):
        if value not in known:
            raise ValueError(f"{argument} must be one of {known}. Received: {value!r}")
    check_test_fraction(test_fraction)
    source = pathlib.Path(source)
    path = _annotations(source, annotations)
    root = find_folder(source, videos, ["35666", "videos", "processed"], "the clips")
    content = read_object(path)
    columns = _columns(path, content)
    clips = content.get("clips")
    if not isinstance(clips, dict) or not clips:
        raise LabelFileError(f"{path} must have 'clips', an object that names at least one clip.")

    there, notes = videos_by_stem(root)
    missing: list[str] = []
    left_out: collections.Counter[str] = collections.Counter()
    labels: dict[str, tuple[str, tuple[int, ...]]] = {}
    for clip_id, clip in sorted(clips.items()):
        said = _expressions(path, clip_id, clip)
        attributes = _protected(path, clip_id, clip, columns)
        if not said:
            left_out["no expression"] += 1
        elif several == "drop" and len({name for name, _ in said}) > 1:
            left_out["several expressions"] += 1
        elif (expression := _chosen(said, several)) not in EXPRESSIONS:
            left_out[f"the unknown expression {expression[:40]!r}"] += 1
        elif clip_id not in there:
            missing.append(clip_id)
        else:
            labels[clip_id] = (expression, attributes)
    if missing:
        notes.append(f"{len(missing)} of {len(clips)} annotated clips are not in {root.name}")
    notes += [f"{count} clips have {why} and were left out" for why, count in left_out.items()]
    unlabelled = len(set(there) - set(clips))
    if unlabelled:
        notes.append(f"{unlabelled} videos are not in the annotations and were left out")
    splits = _splits({k: v[0] for k, v in labels.items()}, split_by, test_fraction, seed)
    entries = [
        SourceEntry(
            clip_id,
            splits[clip_id],
            EXPRESSIONS.index(name),
            values,
            there[clip_id],
            source_video=group_of(clip_id),
        )
        for clip_id, (name, values) in labels.items()
    ]

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries)

    return SourceDataset(
        name="celebv_hq",
        class_names=EXPRESSIONS,
        attribute_names=PROTECTED,
        root=root,
        make_entries=make_entries,
        origin={
            "adapter": "celebv-hq",
            "several": several,
            "split_by": split_by,
            "test_fraction": test_fraction,
            "seed": seed,
        },
        missing=tuple(missing),
        notes=tuple(notes),
    )


def group_of(entry_id: str) -> str | None:
    """The YouTube video that a clip was cut from.

    Example:

    >>> group_of("_0tf2n3rlJU_0")
    '_0tf2n3rlJU'
    """
    video, _, number = entry_id.rpartition("_")
    return video if video and number.isdecimal() else None


def _annotations(source: pathlib.Path, given: str | os.PathLike | None) -> pathlib.Path:
    if given is not None:
        return pathlib.Path(given)
    for name in _FILES:
        if (source / name).is_file():
            return source / name
    raise LabelFileError(
        f"There is no {_FILES[0]} in {source}. Name the file with --annotations (annotations=)."
    )


def _columns(path: pathlib.Path, content: Mapping[str, Any]) -> tuple[int, ...]:
    """Where the protected attributes are in a clip's list of appearances."""
    meta = content.get("meta_info")
    names = meta.get("appearance_mapping") if isinstance(meta, dict) else None
    if not isinstance(names, list) or not set(PROTECTED) <= {n for n in names if type(n) is str}:
        raise LabelFileError(
            f"{path}: meta_info.appearance_mapping must be a list that names {list(PROTECTED)}."
        )
    return tuple(names.index(name) for name in PROTECTED)


def _attributes(path: pathlib.Path, clip_id: str, clip: Any) -> dict[str, Any]:
    attributes = clip.get("attributes") if isinstance(clip, dict) else None
    if not isinstance(attributes, dict):
        raise LabelFileError(f"{path}: the clip {clip_id!r} must have 'attributes', an object.")
    return attributes


def _protected(
    path: pathlib.Path, clip_id: str, clip: Any, columns: tuple[int, ...]
) -> tuple[int, ...]:
    values = _attributes(path, clip_id, clip).get("appearance")
    good = isinstance(values, list) and len(values) > max(columns)
    marks = tuple(values[i] for i in columns) if good and isinstance(values, list) else ()
    if not marks or not all(type(mark) is int and mark in (0, 1) for mark in marks):
        raise LabelFileError(
            f"{path}: attributes.appearance of {clip_id!r} must be a list of 0 and 1, one for each "
            f"name in meta_info.appearance_mapping. Received: {repr(values)[:120]}"
        )
    return marks


def _expressions(path: pathlib.Path, clip_id: str, clip: Any) -> list[tuple[str, float]]:
    """Each expression with the seconds for which it is shown; none, where none is said."""
    emotion = _attributes(path, clip_id, clip).get("emotion")
    said = emotion.get("labels") if isinstance(emotion, dict) else None
    if isinstance(said, str):
        return [(_name(said), 0.0)] if said.strip() else []
    if isinstance(said, list) and all(map(_is_segment, said)):
        return [(_name(part["emotion"]), part["end_sec"] - part["start_sec"]) for part in said]
    raise LabelFileError(
        f"{path}: attributes.emotion.labels of {clip_id!r} must be the name of an expression, or a "
        "list of objects with emotion, start_sec and end_sec. "
        f"Received: {repr(emotion)[:120]}"
    )


def _is_segment(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and isinstance(part.get("emotion"), str)
        and all(type(part.get(key)) in (int, float) for key in ("start_sec", "end_sec"))
    )


def _name(said: str) -> str:
    name = said.strip().lower()
    return _SAME.get(name, name)


def _chosen(said: list[tuple[str, float]], several: str) -> str:
    if several == "first":
        return said[0][0]
    shown: dict[str, float] = {}
    for name, seconds in said:
        shown[name] = shown.get(name, 0.0) + seconds
    return max(shown, key=lambda name: shown[name])  # of equals the earlier


def _splits(
    classes: Mapping[str, str], split_by: str, test_fraction: float, seed: int
) -> dict[str, str]:
    if split_by == "clip":
        return drawn_splits(classes, test_fraction, seed)
    groups = {clip_id: group_of(clip_id) or clip_id for clip_id in classes}
    drawn = drawn_splits(dict.fromkeys(groups.values(), ""), test_fraction, seed)
    return {clip_id: drawn[group] for clip_id, group in groups.items()}


ADAPTER = Adapter(
    name="celebv-hq",
    load=celebv_hq,
    summary="CelebV-HQ (FAPDER): 8 expressions, 5 protected attributes, 60/40 by seed.",
    layout="""\
SOURCE/celebvhq_info.json   the published annotations
SOURCE/35666/<clip id>.mp4  the cut clips (or videos/, processed/; sub-folders are searched)""",
    example="celebv-hq /data/celebvhq records/celebvhq --seed 0",
    options=(
        Option("annotations", "The JSON file, if not SOURCE/celebvhq_info.json.", "file"),
        VIDEOS,
        Option(
            "several",
            "Which expression counts where a clip shows several.",
            default="longest",
            choices=_SEVERAL,
        ),
        Option(
            "split_by",
            "Draw clips one by one, or whole YouTube videos.",
            default="clip",
            choices=_SPLIT_BY,
        ),
        Option("test_fraction", "Share of the clips in the test split.", "number", 0.4),
        SEED,
    ),
    group_of=group_of,
)
