"""What a reader of a benchmark's report must know, in plain words."""

from __future__ import annotations

from typing import Any

from keras_stprivacy.baselines import system_class
from keras_stprivacy.benchmark.plan import RAW, Plan
from keras_stprivacy.benchmark.report import BenchmarkRow
from keras_stprivacy.benchmark.scored_cell import ScoredCell
from keras_stprivacy.evaluation.notes import box_notes, label_notes

_MEASURABLE = 0.05  # p of a paired test


def cell_notes(
    plan: Plan,
    raw: ScoredCell,
    cells: dict[tuple[str, int], dict[str, Any]],
    failures: dict[str, str],
) -> list[str]:
    """What data, systems and attackers have to say of themselves.

    Args:
        plan: of the benchmark.
        raw: a scored cell of raw clips.
        cells: (variant, seed) -> finished cell.
        failures: variant -> why it could not be measured.

    Returns:
        Sentences.
    """
    notes = [*_split_notes(plan), *_validation_notes(plan), *label_notes(raw.results, raw.labels)]
    said: dict[str, dict[str, list[str]]] = {}
    for (name, seed), cell in cells.items():
        for note in cell["notes"]:
            said.setdefault(note, {}).setdefault(name, []).append(str(seed))
    for note, seeds_of in said.items():
        notes.append(f"{'; '.join(_seeds_of(seeds_of))}: {note}")
    for (name, seed), cell in cells.items():
        if seed == 0:
            notes.extend(box_notes(cell["boxes"], name))
    skipped: dict[tuple[str, str], list[str]] = {}
    for (name, _), cell in cells.items():
        for who, why in cell["skipped"].items():
            skipped.setdefault((who, why), []).append(name)
    for (who, why), names in skipped.items():
        notes.append(f"attacker {who} left out for {', '.join(dict.fromkeys(names))}: {why}")
    if any(cell["strongest"] for cell in cells.values()):
        notes.append(
            "with several attackers, every attribute is read by the strongest of them, chosen on "
            "training clips that none learned from, not on the test; raw clips likewise, where "
            "several read them"
        )
    notes.extend(environment_notes(cells))
    if plan.settings.seeds > 1:
        notes.append(
            "values are means over seeds; intervals and tests draw test videos anew, not seeds; "
            "sd is over seeds"
        )
    notes.extend(f"{name} could not be measured: {why}" for name, why in failures.items())
    return notes


def environment_notes(cells: dict[tuple[str, int], dict[str, Any]]) -> list[str]:
    """Which cells were measured where, if not all were in one place: what differs alone.

    Args:
        cells: (variant, seed) -> finished cell.

    Returns:
        A sentence; none if all environments are the same.

    Example:

    >>> one, two = ({"environment": {"cpus": cpus, "python": "3.12"}} for cpus in (2, 16))
    >>> environment_notes({("raw", 0): one, ("raw", 1): two, ("vita", 0): one})
    ['cells were measured in 2 environments, of which settings show the first: cpus 2 (raw, seed 0;
    vita, seed 0), cpus 16 (raw, seed 1)']
    """
    found = [cell["environment"] for cell in cells.values()]
    names = [name for one in found for name in one]
    differing = [
        name
        for name in dict.fromkeys(names)
        if any(one.get(name) != found[0].get(name) for one in found)
    ]
    if not differing:
        return []
    places: dict[str, dict[str, list[str]]] = {}
    for (name, seed), cell in cells.items():
        place = ", ".join(f"{key} {cell['environment'].get(key, '-')}" for key in differing)
        places.setdefault(place, {}).setdefault(name, []).append(str(seed))
    said = [f"{place} ({'; '.join(_seeds_of(of_place))})" for place, of_place in places.items()]
    return [
        f"cells were measured in {len(places)} environments, of which settings show the first: "
        f"{', '.join(said)}"
    ]


def _seeds_of(cells: dict[str, list[str]]) -> list[str]:
    """Each variant with its seeds."""
    return [
        f"{name}, seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}" for name, seeds in cells.items()
    ]


def action_notes(plan: Plan, rows: list[BenchmarkRow]) -> list[str]:
    """That actions are read better from clips of some systems than from raw ones, and what it says.

    Args:
        plan: of the benchmark.
        rows: of the systems, with their paired tests.

    Returns:
        A sentence; none if no system is above raw clips by more than test videos vary.
    """
    above = []
    for row in rows:
        tests = row.tests.get(RAW, {})
        test = tests.get("top_1", tests.get("action_cmap"))
        if test is None or test.value is None or test.p is None:
            continue
        if test.value > 0.0 and test.p < _MEASURABLE:
            above.append(row.label)
    if not above:
        return []
    passes = plan.epochs
    start = "start from scratch and " if plan.settings.start_weights is None else ""
    return [
        f"the action is read measurably better than from raw clips after {', '.join(above)}. "
        f"Attackers {start}make {passes} pass{'es' * (passes > 1)} over the training clips: this "
        "compares how quickly clips are learned, and does not say that more is in them"
    ]


def _split_notes(plan: Plan) -> list[str]:
    """That files of the test are files of a training split, too."""
    test = plan.attacked.sources.get("test", frozenset())
    learned: dict[frozenset[str], list[str]] = {}
    for who, data in (("systems", plan.learned_from), ("attackers", plan.attacked)):
        learned.setdefault(data.sources.get("train", frozenset()), []).append(who)
    notes = [
        f"{len(test & train)} of {len(test)} video files of the test are among those that "
        f"{' and '.join(who)} could learn from: the splits leak"
        for train, who in learned.items()
        if test & train
    ]
    watched = test & plan.learned_from.sources.get("validation", frozenset())
    watching = _watching(plan)
    if watched and watching:
        notes.append(
            f"{len(watched)} of {len(test)} video files of the test are among those of the split "
            f"validation, which {', '.join(watching)} watched: the splits leak"
        )
    return notes


def _watching(plan: Plan) -> list[str]:
    """Systems that watch clips they do not learn from."""
    return [v.label for v in plan.variants if system_class(v.system).uses_validation]


def _validation_notes(plan: Plan) -> list[str]:
    """That systems which watch clips they do not learn from had none."""
    watching = _watching(plan)
    if not watching or plan.learned_from.watched is not None:
        return []
    return [
        f"{plan.learned_from.name} has no validation clips: {', '.join(watching)} watched its own "
        "training clips for how well actions are read"
    ]
