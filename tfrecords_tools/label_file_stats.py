"""The numbers of a label file of VP-HMDB51 or VP-UCF101, without any video."""

import os
import pathlib
import re

import numpy as np

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.hmdb51 import group_of
from tfrecords_tools.datasets.hmdb51 import listed_videos as hmdb51_lists
from tfrecords_tools.datasets.lists import check_fold, without_ending
from tfrecords_tools.datasets.privacy_labels import PRIVACY_ATTRIBUTES, PrivacyLabels
from tfrecords_tools.datasets.ucf101 import listed_videos as ucf101_lists
from tfrecords_tools.label_floors import LabelTable, label_floors
from tfrecords_tools.stats import split_stats
from tfrecords_tools.stats_report import StatsReport

_DRAWS = 5
_TRAIN, _TEST = 70, 30  # of every class, as in HMDB51's official splits
_GROUP = re.compile(r"_g(\d\d)_c\d\d$")
_TEST_GROUPS = 7  # UCF101's split n is tested on the groups 7n - 6 to 7n


def label_file_stats(
    path: str | os.PathLike, fold: int = 1, lists: str | os.PathLike | None = None, seed: int = 0
) -> StatsReport:
    """Frequencies of attributes, and the floors of the metrics, of a pickle of private attributes.

    Floors need a split. It is taken from `lists`; or, for UCF101, from the names, whose groups
    decide which official split a video is tested in; or else drawn five times: 70 training and 30
    test videos of every class, clips of one film all in one of them, as in HMDB51's official
    splits.

    Args:
        path: the pickle.
        fold: 1, 2 or 3: which official split.
        lists: the folder with the official lists of HMDB51 or UCF101.
        seed: of the draws.

    Returns:
        A `StatsReport`.

    Raises:
        LabelFileError: if the pickle or a list is not what it should be, or they do not fit.
        ValueError: if there is no such fold.
    """
    check_fold(fold)
    labels = PrivacyLabels(path).as_dict()
    if not labels:
        raise LabelFileError(f"{os.fspath(path)} holds no labels.")
    names = sorted(labels)
    class_names = sorted({name.rpartition("/")[0] for name in names})
    index = {name: i for i, name in enumerate(class_names)}

    def table(chosen: list[str]) -> LabelTable:
        marks = np.array([labels[name] for name in chosen], "uint8")
        marks = marks.reshape(-1, len(PRIVACY_ATTRIBUTES))
        actions = [(index[name.rpartition("/")[0]],) for name in chosen]
        return LabelTable(actions, marks, np.ones(len(chosen), bool))

    notes: list[str] = []
    if lists is not None:
        parts, note = _listed(pathlib.Path(lists), fold, labels, class_names)
        drawn = {f"split {fold}": parts}
        notes += note
    elif all(_GROUP.search(name) for name in names):
        drawn = {f"split {fold}": _by_groups(names, fold)}
        notes.append(
            f"The split is UCF101's official split {fold}: its test groups are "
            f"{_TEST_GROUPS * (fold - 1) + 1} to {_TEST_GROUPS * fold}."
        )
    else:
        drawn = {f"draw {i + 1}": _draw(names, seed + i) for i in range(_DRAWS)}
        notes.append(
            "The file names no split: drawn at random, 70 training and 30 test videos of every "
            "class, clips of one film together. For the official split pass its lists (--lists)."
        )
    floors = {
        name: label_floors(table(train), table(test), len(class_names))
        for name, (train, test) in drawn.items()
    }
    if len(floors) > 1:
        notes.append(_over_draws(list(floors.values())))
    return StatsReport(
        pathlib.Path(path).stem,
        os.fspath(path),
        tuple(class_names),
        PRIVACY_ATTRIBUTES,
        {},
        {"all": split_stats(table(names), len(class_names), {})},
        floors,
        tuple(notes),
    )


def _listed(
    lists: pathlib.Path, fold: int, labels: dict[str, tuple[int, ...]], class_names: list[str]
) -> tuple[tuple[list[str], list[str]], list[str]]:
    reader = ucf101_lists if (lists / "classInd.txt").is_file() else hmdb51_lists
    _, listed = reader(lists, fold)
    parts: dict[str, list[str]] = {"train": [], "test": []}
    lost = 0
    for video, split, _ in listed:
        name = without_ending(video)
        if name in labels:
            parts[split].append(name)
        else:
            lost += 1
    if not parts["train"] or not parts["test"]:
        raise LabelFileError(f"The lists in {lists} name no training or no test video with labels.")
    listed_classes = {name.rpartition("/")[0] for part in parts.values() for name in part}
    notes = []
    if lost:
        notes.append(f"{lost} listed videos have no labels")
    if len(listed_classes) < len(class_names):
        notes.append(
            f"The lists name {len(listed_classes)} of the {len(class_names)} classes: floors over "
            "all of them will differ."
        )
    return (parts["train"], parts["test"]), notes


def _by_groups(names: list[str], fold: int) -> tuple[list[str], list[str]]:
    parts: tuple[list[str], list[str]] = [], []
    for name in names:
        match = _GROUP.search(name)
        group = int(match[1]) if match else 0
        parts[(group - 1) // _TEST_GROUPS == fold - 1].append(name)
    return parts


def _draw(names: list[str], seed: int) -> tuple[list[str], list[str]]:
    classes: dict[str, list[str]] = {}
    for name in names:
        classes.setdefault(name.rpartition("/")[0], []).append(name)
    generator = np.random.default_rng(seed)
    train, test = [], []
    for members in classes.values():
        films: dict[str, list[str]] = {}
        for name in members:
            films.setdefault(group_of(name) or name, []).append(name)
        order = [list(films.values())[i] for i in generator.permutation(len(films))]
        share = min(1.0, len(members) / (_TRAIN + _TEST))
        chosen: tuple[list[str], list[str]] = [], []
        for clips in order:
            chosen[len(chosen[1]) < round(share * _TEST)].extend(clips)
        train += chosen[0][: round(share * _TRAIN)]
        test += chosen[1][: round(share * _TEST)]
    return train, test


def _over_draws(floors: list) -> str:
    said = []
    for name, scale in (("chance", 100), ("all_positive", 1), ("action_only", 100)):
        scores = [getattr(one, name) for one in floors]
        means = [scale * s.mean for s in scores if s is not None and s.mean is not None]
        digits = 1 if scale == 100 else 3
        if means:
            said.append(
                f"{np.mean(means):.{digits}f} ({min(means):.{digits}f} to {max(means):.{digits}f})"
            )
    return (
        f"Floors over the {len(floors)} draws (mean, smallest to largest): cMAP of seeing nothing, "
        f'F1 of always saying "present", cMAP of seeing the true action alone: {", ".join(said)}.'
    )
