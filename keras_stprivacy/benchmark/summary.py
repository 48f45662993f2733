"""From finished cells to a report over systems."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_stprivacy.benchmark.estimates import (
    SeedEstimate,
    difference,
    mean_samples,
    over_seeds,
)
from keras_stprivacy.benchmark.plan import RAW, Plan
from keras_stprivacy.benchmark.quoted import QUOTED
from keras_stprivacy.benchmark.reopened import MappedBatches, Reopened
from keras_stprivacy.benchmark.report import BenchmarkReport, BenchmarkRow
from keras_stprivacy.benchmark.report_notes import action_notes, cell_notes
from keras_stprivacy.benchmark.scored_cell import ScoredCell
from keras_stprivacy.benchmark.tables import MOST_ATTRIBUTES
from keras_stprivacy.evaluation.intervals import resample
from keras_stprivacy.evaluation.leakage import leakage
from keras_stprivacy.evaluation.notes import drawing_notes, leakage_notes, too_few_videos
from keras_stprivacy.evaluation.scoring import Scored, mean_of_defined

Cells = dict[tuple[str, int], dict[str, Any]]
_TESTED = ("top_1", "action_cmap", "cmap", "f1", "auroc")
_REFERENCE = "stprivacy"


def summarize(plan: Plan, cells: Cells, failures: dict[str, str]) -> BenchmarkReport:
    """Joins seeds, adds floors and leakage, and tests systems against each other.

    A system that was measured with some of the seeds alone stands among the failures, too: its row
    says so, and is tested against no other, since a mean over other seeds is another number.

    Args:
        plan: of the benchmark.
        cells: (variant, seed) -> finished cell.
        failures: variant -> why it could not be measured.

    Returns:
        A `BenchmarkReport`.
    """
    first = next(iter(cells.values()))
    notes, failures = list(plan.notes), dict(failures)
    count, bootstrap = len(first["action"]), plan.settings.bootstrap
    source_video = first["source_video"]
    too_few = too_few_videos(count, source_video)
    if bootstrap and too_few is not None:
        notes.append(too_few)
        bootstrap = 0
    if bootstrap:
        in_memory = not isinstance(plan.attacked.test, Reopened | MappedBatches)
        notes.extend(drawing_notes(count, source_video, in_memory))
    weight = resample(count, bootstrap, 0, source_video)
    scored = {key: ScoredCell(plan, cell, weight) for key, cell in cells.items()}
    raw = [one for (name, _), one in scored.items() if name == RAW]
    floors = raw[0].floors()
    rows, joined = [], {}
    few: list[str] = []
    for variant in plan.variants:
        own = [one for (name, _), one in scored.items() if name == variant.id]
        if not own:
            continue
        row = _row(variant.id, variant.label, own)
        if len(own) < plan.settings.seeds:
            few.append(variant.id)
            why = failures.setdefault(variant.id, "the other cells are missing")
            count_of = f"{len(own)} of {plan.settings.seeds} seeds"
            row.label = f"{variant.label} ({count_of})"
            notes.append(
                f"{variant.label}: {count_of} only ({why}); its means are over these, and it is "
                "tested against no other system"
            )
        row.system, row.curves = variant.system, dict(variant.curves)
        joined[variant.id] = own
        if _same_test(own, raw):
            notes.extend(_add_leakage(row, own, raw, floors))
        else:
            notes.append(f"{variant.label} was tested on other videos than raw clips: no leakage")
        rows.append(row)
    reference = _REFERENCE if _REFERENCE in joined else rows[-1].id
    _add_tests([row for row in rows if row.id not in few], joined)
    for name, label in (("chance", "chance (all positive)"), ("action_only", "action only")):
        rows.append(_floor_row(name, label, floors[name]))
    notes.extend(action_notes(plan, rows))
    if len(plan.attacked.attribute_names) > MOST_ATTRIBUTES:
        notes.append(
            f"tables and bars show the {MOST_ATTRIBUTES} most frequent of "
            f"{len(plan.attacked.attribute_names)} attributes; the files .csv and .json hold all"
        )
    absent = {name: why for name, why in failures.items() if name not in joined}
    notes.extend(cell_notes(plan, raw[0], cells, absent))
    return BenchmarkReport(
        protocol=plan.protocol,
        rows=rows,
        attribute_names=plan.attacked.attribute_names,
        class_names=plan.attacked.class_names,
        groups=dict(plan.attacked.groups),
        reference=reference,
        prevalence={
            name: float(share)
            for name, share in zip(
                plan.attacked.attribute_names, first["privacy"].mean(axis=0), strict=True
            )
        },
        settings={
            **plan.settings_of_cell,
            "seeds": plan.settings.seeds,
            "bootstrap": plan.settings.bootstrap,
            "workers": plan.settings.workers,
            "seconds": _seconds_in_all(plan, cells),
            "data": plan.attacked.about,
            "learned_from": plan.learned_from.about_training,
            "environment": first["environment"],
            "systems": {name: one[0].cell["system_settings"] for name, one in joined.items()},
        },
        failures=failures,
        notes=list(dict.fromkeys(notes)),
        quoted=QUOTED.get(plan.protocol, QUOTED["known"] if plan.protocol != "ospar" else ()),
        pictures=[
            (row.id, row.label, joined[row.id][0].cell["shown"]) for row in rows if row.id in joined
        ],
    )


def _row(name: str, label: str, cells: list[ScoredCell]) -> BenchmarkRow:
    """Seeds of one system, joined."""
    main = [cell.headline for cell in cells]
    scores = {
        key: over_seeds([one.row.scores[key].value for one in main], [m.means[key] for m in main])
        for key in main[0].means
    }
    attributes: dict[str, dict[str, SeedEstimate]] = {}
    for index, attribute in enumerate(main[0].row.attributes):
        attributes[attribute] = {
            key: over_seeds(
                [one.row.attributes[attribute][key].value for one in main],
                [one.samples[index][key] for one in main],
            )
            for key in ("ap", "auroc", "f1")
        }
    attackers = {}
    for who in cells[0].attackers:
        each = [cell.attackers[who] for cell in cells]
        attackers[who] = {
            key: over_seeds(
                [one.row.scores[key].value for one in each], [one.means[key] for one in each]
            )
            for key in each[0].means
        }
    row = BenchmarkRow(name, label, "system", scores, attributes, attackers)
    row.strongest = [cell.cell["strongest"] for cell in cells]
    row.parameters = cells[0].cell["parameters"]
    shares = [cell.cell["kept_share"] for cell in cells]
    row.kept_share = None if None in shares else float(np.mean(shares))
    row.boxes = cells[0].cell["boxes"]
    row.seconds = {
        key: float(np.mean([cell.cell["seconds"].get(key, 0.0) for cell in cells]))
        for key in cells[0].cell["seconds"]
    }
    return row


def _seconds_in_all(plan: Plan, cells: Cells) -> float:
    """Of training and attacks; a system that cells share, at other keep ratios, counts once."""
    systems = {variant.id: variant.system for variant in plan.variants}
    trained, others = set(), 0.0
    for (name, seed), cell in cells.items():
        took = cell["seconds"].get("train system", 0.0)
        trained.add((systems[name], seed, took))
        others += sum(cell["seconds"].values()) - took
    return round(sum(took for _, _, took in trained) + others, 1)


def _floor_row(name: str, label: str, floor: Any) -> BenchmarkRow:
    scores = {key: over_seeds([floor.row.scores[key].value], [s]) for key, s in floor.means.items()}
    attributes = {
        attribute: {
            key: over_seeds([values[key].value], [floor.samples[index][key]])
            for key in ("ap", "auroc", "f1")
        }
        for index, (attribute, values) in enumerate(floor.row.attributes.items())
    }
    return BenchmarkRow(name, label, "floor", scores, attributes, {})


def _same_test(cells: list[ScoredCell], others: list[ScoredCell]) -> bool:
    return all(
        np.array_equal(one.cell[key], other.cell[key])
        for one in cells
        for other in others
        for key in ("action", "privacy", "video", "source_video")
    )


def _add_leakage(
    row: BenchmarkRow, own: list[ScoredCell], raw: list[ScoredCell], floors: dict[str, Scored]
) -> list[str]:
    """Each kind of leakage of every attribute and its mean, of AP, from a floor to raw clips; notes
    of what is undefined, which is so for all systems."""
    undefined: dict[str, dict[str, str]] = {}
    for kind, floor in (("leakage", "chance"), ("leakage_action", "action_only")):
        by_seed: list[Any] = []
        drawn = []
        for index, (attribute, scores) in enumerate(row.attributes.items()):
            scores[kind], samples, reason = _leakage(attribute, index, own, raw, floors[floor])
            if reason is not None:
                undefined.setdefault(kind, {})[attribute] = reason
                continue
            by_seed.append(scores[kind].seeds)
            drawn.append(samples)
        if drawn:
            joined = mean_of_defined(drawn, len(drawn[0]))
            seeds = np.mean(by_seed, axis=0).tolist()
            row.scores[kind] = over_seeds(seeds, [joined] * len(seeds))
            if kind == "leakage":
                row.leakage_samples = joined
    return leakage_notes(undefined) if row.id == RAW else []


def _leakage(
    attribute: str, index: int, own: list[ScoredCell], raw: list[ScoredCell], floor: Scored
) -> tuple[SeedEstimate, np.ndarray, str | None]:
    """Leakage of an attribute, of the means over seeds; its samples; why it is undefined."""
    values = [cell.headline.row.attributes[attribute]["ap"].value for cell in own]
    top = _mean_of_all([cell.headline.row.attributes[attribute]["ap"].value for cell in raw])
    least: Any = floor.row.attributes[attribute]["ap"].value
    whole, samples, reason = leakage(
        _mean_of_all(values),
        least,
        top,
        (
            mean_samples([cell.headline.samples[index]["ap"] for cell in own]),
            floor.samples[index]["ap"],
            mean_samples([cell.headline.samples[index]["ap"] for cell in raw]),
        ),
    )
    if reason is not None:
        return SeedEstimate(None), samples, reason
    each = tuple(float((value - least) / (top - least)) for value in values)
    sd = float(np.std(each, ddof=1)) if len(each) > 1 else None
    return SeedEstimate(whole.value, whole.low, whole.high, sd, each), samples, None


def _mean_of_all(values: list[Any]) -> Any:
    """Mean, or None if one of them is undefined."""
    return None if None in values else float(np.mean(values))


def _add_tests(rows: list[BenchmarkRow], joined: dict[str, list[ScoredCell]]) -> None:
    """Paired differences of every two systems that were tested on the same videos."""
    for row in rows:
        for other in rows:
            if other.id == row.id or not _same_test(joined[row.id], joined[other.id]):
                continue
            tests = {}
            for key in _TESTED:
                if key in row.scores and key in other.scores:
                    samples = [
                        mean_samples([cell.headline.means[key] for cell in joined[name]])
                        for name in (row.id, other.id)
                    ]
                    tests[key] = difference(
                        row.scores[key].value, other.scores[key].value, *samples
                    )
            if row.leakage_samples is not None and other.leakage_samples is not None:
                tests["leakage"] = difference(
                    row.scores["leakage"].value,
                    other.scores["leakage"].value,
                    row.leakage_samples,
                    other.leakage_samples,
                )
            row.tests[other.id] = tests
