"""What a reader must know about labels and splits, in plain words."""

import re
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.intervals import MIN_VIDEOS, num_drawn
from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.results import TestResults
from keras_stprivacy.evaluation.sentences import EACH, listed, of_names


def drawing_notes(count: int, source_video: np.ndarray | None, in_memory: bool) -> list[str]:
    """What intervals depend on: which test videos were cut from one source video.

    Args:
        count: test videos.
        source_video: see `TestResults`.
        in_memory: whether the test is neither read from records nor from other batches; then it is
            meant to hold one video of each, unless it says otherwise.

    Returns:
        Sentences, none where each video is one of its own.
    """
    notes = []
    drawn = num_drawn(count, source_video)
    if drawn < count:
        notes.append(
            f"the {count} test videos were cut from {drawn} source videos; for intervals and "
            "p-values, videos of one are drawn together"
        )
    unknown = 0 if in_memory else count
    if source_video is not None:
        unknown = int(np.count_nonzero(source_video < 0))
    if unknown:
        which = "every video of the test" if unknown == count else f"{unknown} of them"
        notes.append(
            f"of {which} it is not known what it was cut from, and each counts as one of its own: "
            "where several were cut from one source video, intervals are too narrow and p-values "
            'too small. Labels say it as "source_video"; those of records, where these name it, '
            "with clip_dataset(..., with_source_videos=True)"
        )
    return notes


def too_few_videos(count: int, source_video: np.ndarray | None) -> str | None:
    """A sentence if there are too few test videos for intervals, else None.

    Args:
        count: test videos.
        source_video: see `drawing_notes`.
    """
    drawn = num_drawn(count, source_video)
    if drawn >= MIN_VIDEOS:
        return None
    what = "test videos" if drawn == count else f"source videos (of {count} test videos)"
    return (
        f"{drawn} {what} are too few for intervals and tests; {MIN_VIDEOS} are needed, and some "
        "hundreds for narrow intervals"
    )


def label_notes(results: TestResults, labels: TrainLabels) -> list[str]:
    """Attributes and actions that the splits lack, or that do not vary in them; leaks.

    Args:
        results: of the test.
        labels: of the training split.

    Returns:
        Sentences, none where all is well.
    """
    unit = "annotated test frame" if results.frame_level else "test video"
    notes = []
    absent, full = _constant(results.privacy, labels.attribute_names)
    notes += of_names(
        absent,
        f"no {unit} has {{}}: all its scores are undefined, and it is left out of the means",
        f"no {unit} has any of {{}}: all their scores are undefined, and they are left out of the "
        "means",
    )
    notes += of_names(
        full,
        f"every {unit} has {{}}: its AP is 1 for any attacker, its AUROC and leakage are undefined "
        "and left out of their means",
        f"every {unit} has all of {{}}: their AP is 1 for any attacker, their AUROC and leakage "
        "are undefined and left out of the means",
    )
    never, always = _constant(labels.privacy, labels.attribute_names)
    for names, which, of in ((never, "no", "any of"), (always, "every", "all of")):
        notes += of_names(
            names,
            f"{which} training clip has {{}}: no attacker can learn it",
            f"{which} training clip has {of} {{}}: no attacker can learn them",
        )
    notes.extend(_action_notes(results, labels))
    if results.seen_in_training:
        notes.append(
            f"{results.seen_in_training} of {len(results.action)} test videos hold a clip that is "
            "also a training clip: the splits leak"
        )
    if results.frame_level:
        notes.append(
            f"attributes are tested on {len(results.privacy)} frames of {len(results.action)} "
            "videos, each once, by the mean over the views that hold it; intervals draw whole "
            "videos"
        )
    if results.partly_annotated:
        notes.append(
            f"{results.partly_annotated} frames were left out: not all of their attributes are "
            "annotated"
        )
    return notes


def _constant(privacy: np.ndarray, names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The attributes that no row has, and those that all have."""
    none, every = ~privacy.any(axis=0), privacy.any(axis=0) & privacy.all(axis=0)
    return [names[i] for i in np.flatnonzero(none)], [names[i] for i in np.flatnonzero(every)]


def _action_notes(results: TestResults, labels: TrainLabels) -> list[str]:
    if labels.multi_label:
        absent = [
            name
            for name, count in zip(labels.class_names, results.action.sum(axis=0), strict=True)
            if not count
        ]
        if not absent:
            return []
        return [
            f"no test video shows {len(absent)} of {len(labels.class_names)} actions, which are "
            f"left out of the action cMAP: {listed(absent)}"
        ]
    unknown = ~np.isin(results.action, labels.action)
    if not unknown.any():
        return []
    names = sorted({labels.class_names[i] for i in results.action[unknown]})
    return [
        f"{int(unknown.sum())} test videos show actions that no training clip shows: "
        f"{listed(names)}"
    ]


def network_notes(
    names: list[str], clip_shape: tuple[int, ...], arguments: dict[str, Any]
) -> list[str]:
    """Which network attackers were, where no preset is for the clips and their size decided.

    Args:
        names: of the attackers.
        clip_shape: `(T, H, W, 3)`.
        arguments: of a `Recognizer`.

    Returns:
        One sentence; none where there are no such attackers.

    Example:

    >>> arguments = {"tubelet_size": (2, 8, 8), "hidden_dim": 72, "num_layers": 4, "num_heads": 4}
    >>> network_notes(["video_transformer"], (4, 48, 48, 3), arguments)
    ['video_transformer: no preset is for clips of 4x48x48, so a network was built for their
    size: tubelets of 2x8x8, width 72, 4 layers, 4 heads']
    """
    if not names:
        return []
    clip = "x".join(str(size) for size in clip_shape[:3])
    tubelet = "x".join(str(size) for size in arguments["tubelet_size"])
    return [
        f"{', '.join(names)}: no preset is for clips of {clip}, so a network was built for their "
        f"size: tubelets of {tubelet}, width {arguments['hidden_dim']}, "
        f"{arguments['num_layers']} layers, {arguments['num_heads']} heads"
    ]


def box_notes(report: dict[str, Any] | None, who: str) -> list[str]:
    """That frames without a person box were left as they are.

    Args:
        report: of a system that works inside boxes, see `BoxSystem.report`; None of others.
        who: the system.

    Example:

    >>> box_notes({"frames": 8, "frames_without_box": 2, "share_without_box": 0.25}, "blacken")
    ['blacken: 2 of 8 frames (25.0 %) had no person box and were not changed']
    """
    if not report or not report["frames_without_box"]:
        return []
    share = 100 * report["share_without_box"]
    kept = report.get("without_box", "keep") == "keep"
    return [
        f"{who}: {report['frames_without_box']} of {report['frames']} frames ({share:.1f} %) had "
        f"no person box and were {'not changed' if kept else 'changed as a whole'}"
    ]


def leakage_notes(undefined: dict[str, dict[str, str]]) -> list[str]:
    """Each attribute without leakage, and, in a line a kind, those without the other kinds.

    Args:
        undefined: from `add_leakage`.

    Returns:
        Sentences.
    """
    notes = []
    of_reason: dict[str, list[str]] = {}
    own = undefined.get("leakage", {})
    for attribute, reason in own.items():
        if len(own) > EACH:
            reason = re.sub(r" \([\d.]+\)", "", reason)  # numbers are of each attribute
        of_reason.setdefault(reason, []).append(attribute)
    for reason, names in of_reason.items():
        notes += of_names(names, f"leakage of {{}} is undefined: {reason}")
    for kind, words in (
        ("leakage_action", "beyond the action"),
        ("leakage_f1", "of F1"),
        ("leakage_auroc", "of AUROC"),
    ):
        if kind in undefined:
            which = listed(list(undefined[kind]))
            notes.append(
                f"leakage {words} is undefined for {which}: raw clips do not lie clearly above "
                "that floor"
            )
    return notes
