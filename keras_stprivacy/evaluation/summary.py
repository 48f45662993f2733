"""Makes the report of what the attackers said."""

import dataclasses
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.figure import ClipPicture
from keras_stprivacy.evaluation.intervals import MIN_VIDEOS, resample
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.report import Report
from keras_stprivacy.evaluation.scoring import Row, Scored, add_leakage, score
from keras_stprivacy.floors import action_only, chance, majority_class

_LABELS = {
    "raw": "raw clips",
    "anonymized": "anonymized",
    "chance": "chance (all positive)",
    "action_only": "action only",
}


@dataclasses.dataclass(frozen=True)
class TrainLabels:
    """Labels of the training clips, and the names that both splits share."""

    action: np.ndarray
    privacy: np.ndarray
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]


@dataclasses.dataclass
class TestResults:
    """The test videos, and what every attacker said of them.

    Attributes:
        action: int array (N,).
        privacy: int array (N, P).
        probability: "system/task" -> array (N, C) or (N, P).
        num_views: views of a video.
        different_views: views that were computed, over all videos.
        tubelets: in a clip; None if the anonymizer gives no decision mask.
        seen_in_training: videos with a view that is also a training clip, pixel by pixel.
        shown: for the picture: raw clip, decision mask or None, anonymized clip.
        sparsified: number in `shown` -> raw clip with dropped tubelets blackened.
    """

    __test__ = False  # not a test, whatever its name

    action: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, "int64"))
    privacy: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0), "int64"))
    probability: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    num_views: int = 1
    different_views: int = 0
    tubelets: int | None = None
    seen_in_training: int = 0
    shown: list[tuple] = dataclasses.field(default_factory=list)
    sparsified: dict[int, np.ndarray] = dataclasses.field(default_factory=dict)


def summarize(
    results: TestResults,
    labels: TrainLabels,
    history: dict[str, dict[str, list[float]]],
    settings: dict[str, Any],
    notes: list[str],
    stages: Stages,
    bootstrap: int,
    bootstrap_seed: int,
) -> Report:
    """Scores systems and floors, draws intervals, and says in words what a reader must know.

    Args:
        results: of the test.
        labels: of the training split.
        history: of the attackers' training.
        settings: of the evaluation.
        notes: to begin with.
        stages: measures the time of the bootstrap.
        bootstrap: samples.
        bootstrap_seed: of the samples.

    Returns:
        A `Report`.
    """
    count = len(results.action)
    if bootstrap and count < MIN_VIDEOS:
        notes.append(
            f"{count} test videos are too few for intervals; {MIN_VIDEOS} are needed, and some "
            "hundreds for narrow ones"
        )
        bootstrap = 0
    with stages.stage("bootstrap"):
        weight = resample(count, bootstrap, bootstrap_seed)
        scored: dict[str, Scored] = {}
        for name in ("raw", "anonymized"):
            if f"{name}/privacy" in results.probability:
                said = results.probability[f"{name}/action"].argmax(axis=1)
                right = (said == results.action).astype("float64")
                probability = results.probability[f"{name}/privacy"]
                row = _row(name, "system", labels)
                scored[name] = score(row, results.privacy, probability, right, weight)
        scored["chance"] = score(
            _row("chance", "floor", labels),
            results.privacy,
            chance(results.privacy),
            majority_class(labels.action, results.action),
            weight,
        )
        rates = action_only(labels.action, labels.privacy, results.action, len(labels.class_names))
        row = _row("action_only", "floor", labels)
        scored["action_only"] = score(row, results.privacy, rates, None, weight)
        notes.extend(_label_notes(results, labels))
        if "raw" in scored:
            for name in scored:
                floors = scored["chance"], scored["action_only"]
                undefined = add_leakage(scored[name], scored["raw"], *floors)
                if name == "anonymized":
                    notes.extend(_leakage_notes(undefined))
    prevalence = results.privacy.mean(axis=0)
    return Report(
        rows=[value.row for value in scored.values()],
        attribute_names=labels.attribute_names,
        class_names=labels.class_names,
        notes=notes,
        settings=settings,
        history=history,
        seconds=stages.seconds,
        prevalence=dict(zip(labels.attribute_names, map(float, prevalence), strict=True)),
        pictures=_pictures(results, labels),
    )


def _row(name: str, kind: str, labels: TrainLabels) -> Row:
    return Row(name, kind, _LABELS[name], {}, {a: {} for a in labels.attribute_names})


def _label_notes(results: TestResults, labels: TrainLabels) -> list[str]:
    notes = []
    for index, name in enumerate(labels.attribute_names):
        if not results.privacy[:, index].any():
            notes.append(
                f'no test video has "{name}": all its scores are undefined, and it is left out of '
                "the means"
            )
        elif results.privacy[:, index].all():
            notes.append(
                f'every test video has "{name}": its AP is 1 for any attacker, its AUROC and '
                "leakage are undefined and left out of their means"
            )
        if labels.privacy[:, index].min() == labels.privacy[:, index].max():
            which = "every" if labels.privacy[0, index] else "no"
            notes.append(f'{which} training clip has "{name}": no attacker can learn it')
    unknown = ~np.isin(results.action, labels.action)
    if unknown.any():
        names = sorted({labels.class_names[i] for i in results.action[unknown]})
        notes.append(
            f"{int(unknown.sum())} test videos show actions that no training clip shows: "
            f"{', '.join(names)}"
        )
    if results.seen_in_training:
        notes.append(
            f"{results.seen_in_training} of {len(results.action)} test videos hold a clip that is "
            "also a training clip: the splits leak"
        )
    return notes


def _leakage_notes(undefined: dict[str, dict[str, str]]) -> list[str]:
    """Each attribute without leakage, and, in a line a kind, those without the other kinds."""
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


def _pictures(results: TestResults, labels: TrainLabels) -> list[ClipPicture]:
    pictures = []
    for number, (raw, _, anonymized) in enumerate(results.shown):
        rows = {"raw": raw}
        if number in results.sparsified:
            rows["sparsified"] = results.sparsified[number]
        rows["anonymized"] = anonymized
        present = [
            name
            for name, has in zip(labels.attribute_names, results.privacy[number], strict=True)
            if has
        ]
        action = labels.class_names[results.action[number]]
        pictures.append(ClipPicture(rows, f"{action}: {', '.join(present) or 'no attribute'}"))
    return pictures
