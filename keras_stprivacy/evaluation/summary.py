"""Makes the report of what the attackers said."""

from typing import Any

import numpy as np

from keras_stprivacy.evaluation.attack_result import AttackResult
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION, attacker_label
from keras_stprivacy.evaluation.figure import ClipPicture
from keras_stprivacy.evaluation.intervals import estimate, resample, resampled_mean
from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.notes import (
    drawing_notes,
    label_notes,
    leakage_notes,
    too_few_videos,
)
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.report import Report
from keras_stprivacy.evaluation.results import TestResults
from keras_stprivacy.evaluation.scoring import Row, Scored, action_map, add_leakage, score
from keras_stprivacy.evaluation.strongest import (
    STRONGEST,
    columns_of_chosen,
    readers_of,
    strongest_of,
)
from keras_stprivacy.floors import action_only, actions_only, chance, majority_class
from keras_stprivacy.scores import among_top

_LABELS = {
    "raw": "raw clips",
    "anonymized": "anonymized",
    "rebuilt": "rebuilt, read as raw",
    "chance": "chance (all positive)",
    "action_only": "action only",
}
_KINDS = ("raw", "anonymized", "rebuilt")


def summarize(
    attacked: AttackResult,
    settings: dict[str, Any],
    notes: list[str],
    stages: Stages,
    bootstrap: int,
    bootstrap_seed: int,
    in_memory: bool = True,
) -> Report:
    """Scores systems and floors, draws intervals, and says in words what a reader must know.

    Args:
        attacked: what the attackers said.
        settings: of the evaluation.
        notes: to begin with.
        stages: measures the time of the bootstrap.
        bootstrap: samples.
        bootstrap_seed: of the samples.
        in_memory: whether the test is neither read from records nor from other batches.

    Returns:
        A `Report`.
    """
    results, labels = attacked.test, attacked.labels
    count = len(results.action)
    too_few = too_few_videos(count, results.source_video)
    if bootstrap and too_few is not None:
        notes.append(too_few)
        bootstrap = 0
    if bootstrap:
        notes.extend(drawing_notes(count, results.source_video, in_memory))
    settings["strongest_attackers"] = {}
    with stages.stage("bootstrap"):
        weight = resample(count, bootstrap, bootstrap_seed, results.source_video)
        scored: dict[str, Scored] = {}
        for kind in _KINDS:
            for name, said in _privacy_of(attacked, kind, settings, notes).items():
                row = f"{kind}/{name}" if name else kind
                scored[row] = _scored(row, kind, said, results, labels, weight)
        scored.update(floor_rows(results, labels, weight))
        _add_quality(scored, results, weight)
        notes.extend(label_notes(results, labels))
        reference = scored.get(f"raw/{STRONGEST}", scored.get("raw"))
        if reference is not None:
            main = f"anonymized/{STRONGEST}"
            main = main if main in scored else "anonymized"
            for name, value in scored.items():
                floors = scored["chance"], scored["action_only"]
                undefined = add_leakage(value, reference, *floors)
                if name == main:
                    notes.extend(leakage_notes(undefined))
    notes.extend(attacked.notes)
    notes.extend(f"attacker {name} left out: {why}" for name, why in attacked.skipped.items())
    prevalence = results.privacy.mean(axis=0)
    return Report(
        rows=[value.row for value in scored.values()],
        attribute_names=labels.attribute_names,
        class_names=labels.class_names,
        notes=notes,
        settings=settings,
        history=attacked.history,
        seconds=stages.seconds,
        prevalence=dict(zip(labels.attribute_names, map(float, prevalence), strict=True)),
        pictures=_pictures(results, labels),
    )


def floor_rows(results: TestResults, labels: TrainLabels, weight: np.ndarray) -> dict[str, Scored]:
    """The rows of who sees nothing, and of who sees the true action alone.

    Args:
        results: the labels of the test.
        labels: of the training split.
        weight: bootstrap samples (R, N).

    Returns:
        "chance" and "action_only" -> the scored row.
    """
    right, known = {}, np.zeros(0)
    if labels.multi_label:
        known = actions_only(labels.action, labels.privacy, results.action)
    else:
        right = {"top_1": majority_class(labels.action, results.action)}
        if len(labels.class_names) > 5:
            right["top_5"] = majority_class(labels.action, results.action, 5)
        known = action_only(labels.action, labels.privacy, results.action, len(labels.class_names))
    nothing = chance(results.privacy)
    floor = _row("chance", "floor", labels)
    rows = {"chance": score(floor, results.privacy, nothing, right, weight, _units(results))}
    if labels.multi_label:
        estimated, drawn = action_map(results.action, chance(results.action), weight)
        floor.scores = {"action_cmap": estimated, **floor.scores}
        rows["chance"].means["action_cmap"] = drawn
    row = _row("action_only", "floor", labels)
    said = known[results.video]
    rows["action_only"] = score(row, results.privacy, said, {}, weight, _units(results))
    return rows


def action_right(results: TestResults, labels: TrainLabels, said: np.ndarray) -> dict:
    """For each video, whether its action is the most probable, and among the five such."""
    right = {"top_1": among_top(results.action, said, 1).astype("float64")}
    if len(labels.class_names) > 5:
        right["top_5"] = among_top(results.action, said, 5).astype("float64")
    return right


def _units(results: TestResults) -> np.ndarray | None:
    return results.video if results.frame_level else None


def _privacy_of(
    attacked: AttackResult, kind: str, settings: dict[str, Any], notes: list[str]
) -> dict[str, np.ndarray]:
    """What each attacker said of the attributes; "" is the first, the choice of them last."""
    names, main = attacked.labels.attribute_names, attacked.main
    named = readers_of(attacked.test.probability, kind, main)
    said = {"" if name == main else name: one for name, one in named.items()}
    said.pop(RECONSTRUCTION, None)  # has a row of its own
    chosen, more, candidates = strongest_of(attacked, kind)
    held_out = attacked.held_out_labels
    if not chosen or held_out is None:
        return said
    settings["strongest_attackers"][kind] = chosen
    if kind == "anonymized":
        notes.extend(more)
        notes.append(
            f"the strongest of {candidates} attackers is chosen for each attribute on "
            f"{len(held_out)} training clips that none learned from, not on the "
            "test"
        )
    return {**said, STRONGEST: columns_of_chosen(named, chosen, names)}


def _scored(
    name: str,
    kind: str,
    said: np.ndarray,
    results: TestResults,
    labels: TrainLabels,
    weight: np.ndarray,
) -> Scored:
    row = _row(name, "system", labels)
    action = results.probability.get(f"{kind}/action")
    of_main = name in (kind, f"{kind}/{STRONGEST}")
    right = {}
    if action is not None and of_main and not labels.multi_label:
        right = action_right(results, labels, action)
    scored = score(row, results.privacy, said, right, weight, _units(results))
    if action is not None and of_main and labels.multi_label:
        estimated, drawn = action_map(results.action, action, weight)
        row.scores = {"action_cmap": estimated, **row.scores}
        scored.means["action_cmap"] = drawn
    return scored


def _add_quality(scored: dict[str, Scored], results: TestResults, weight: np.ndarray) -> None:
    """PSNR and SSIM of rebuilt clips, of those given out, and of the mean training clip."""
    for row, ending in (("rebuilt", ""), ("anonymized", "_given"), ("chance", "_floor")):
        for metric in ("psnr", "ssim"):
            values = results.quality.get(f"{metric}{ending}")
            if values is not None and row in scored:
                drawn = resampled_mean(values, weight)
                scored[row].row.scores[metric] = estimate(float(values.mean()), drawn)


def _row(name: str, kind: str, labels: TrainLabels) -> Row:
    clips, _, attacker = name.partition("/")
    label = _LABELS[clips]
    if attacker:
        who = "strongest attacker" if attacker == STRONGEST else attacker_label(attacker)
        label = f"{label}, {who}"
    return Row(name, kind, label, {}, {a: {} for a in labels.attribute_names})


def _pictures(results: TestResults, labels: TrainLabels) -> list[ClipPicture]:
    pictures = []
    for number, (raw, _, anonymized) in enumerate(results.shown):
        rows = {"raw": raw}
        if number in results.sparsified:
            rows["sparsified"] = results.sparsified[number]
        rows["anonymized"] = anonymized
        pictures.append(ClipPicture(rows, caption(results, labels, number)))
    return pictures


def caption(results: TestResults, labels: TrainLabels, number: int) -> str:
    """What a test video shows, in words: its actions and attributes."""
    action = results.action[number]
    shown = [labels.class_names[i] for i in (np.flatnonzero(action) if action.ndim else [action])]
    of_video = results.privacy[results.video == number]
    has = of_video.any(axis=0) if len(of_video) else np.zeros(len(labels.attribute_names), bool)
    present = [name for name, one in zip(labels.attribute_names, has, strict=True) if one]
    return f"{', '.join(shown) or 'no action'}: {', '.join(present) or 'no attribute'}"
