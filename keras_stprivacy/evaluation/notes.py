"""What a reader must know about labels and splits, in plain words."""

from typing import Any

import numpy as np

from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.results import TestResults

# Of a test that is read from records, or from other batches.
EACH_VIDEO_BY_ITSELF = (
    "every video of the test counts as one of its own: where several were cut from one source "
    "video, as in UCF101, HMDB51, CelebV-HQ and HVU, intervals are too narrow and p-values too "
    "small"
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
    for index, name in enumerate(labels.attribute_names):
        if not results.privacy[:, index].any():
            notes.append(
                f'no {unit} has "{name}": all its scores are undefined, and it is left out of '
                "the means"
            )
        elif results.privacy[:, index].all():
            notes.append(
                f'every {unit} has "{name}": its AP is 1 for any attacker, its AUROC and '
                "leakage are undefined and left out of their means"
            )
        if labels.privacy[:, index].min() == labels.privacy[:, index].max():
            which = "every" if labels.privacy[0, index] else "no"
            notes.append(f'{which} training clip has "{name}": no attacker can learn it')
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
            f"left out of the action cMAP: {_listed(absent)}"
        ]
    unknown = ~np.isin(results.action, labels.action)
    if not unknown.any():
        return []
    names = sorted({labels.class_names[i] for i in results.action[unknown]})
    return [
        f"{int(unknown.sum())} test videos show actions that no training clip shows: "
        f"{_listed(names)}"
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
    notes = [
        f'leakage of "{attribute}" is undefined: {reason}'
        for attribute, reason in undefined.get("leakage", {}).items()
    ]
    for kind, words in (
        ("leakage_action", "beyond the action"),
        ("leakage_f1", "of F1"),
        ("leakage_auroc", "of AUROC"),
    ):
        if kind in undefined:
            notes.append(
                f"leakage {words} is undefined for {', '.join(undefined[kind])}: raw clips do not "
                "lie clearly above that floor"
            )
    return notes


def _listed(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
