"""The marks that the project set itself, held against what was measured."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from result_tables.cells import difference, read

OF_RAW, LEAKAGE, OF_AN_ATTRIBUTE = 0.95, 0.10, 0.20
SIGNIFICANT = 0.05
_VARIANTS = ("stprivacy_paper", "sparsification_alone", "anonymization_alone")
_ROUNDING = 1e-9  # of means over seeds
# What was asked, what was measured, whether it holds.
Mark = tuple[str, str, bool]


def marks(results: Path) -> str:
    """What was asked, measured, and whether it holds, for `known` and the sweep of keep ratios."""
    known = read(results / "benchmark_known.json")
    rows = {row["id"]: row for row in known["rows"] if row["kind"] == "system"}
    lines = ["| asked of STPrivacy | measured | holds |", "|---|---|---|"]
    for asked, measured, holds in (
        _action(rows),
        _leakage(rows["stprivacy"]),
        _of_attributes(rows["stprivacy"]),
        _ahead(
            rows,
            "no other system has at least its top-1 and at most its leakage",
            lambda name: name not in _VARIANTS,
        ),
        _ahead(rows, "nor eq. 13 or one of its halves", lambda name: name in _VARIANTS),
        _weaker(rows["sparsification_alone"]),
        _weaker(rows["anonymization_alone"]),
        *_sweep(read(results / "benchmark_deployment.json")["rows"]),
    ):
        lines.append(f"| {asked} | {measured} | {'yes' if holds else '**no**'} |")
    return "\n".join(lines)


def _action(rows: dict[str, dict]) -> Mark:
    ours, raw = (rows[name]["scores"]["top_1"] for name in ("stprivacy", "raw"))
    mean = ours["value"] / raw["value"]
    each = [of / by for of, by in zip(ours["seeds"], raw["seeds"], strict=True)]
    return (
        f"action top-1 at least {OF_RAW:.2f} x that of raw clips, in the mean and with each seed",
        f"{mean:.2f} x; seeds {_joined(each)}",
        min(mean, *each) >= OF_RAW,
    )


def _leakage(ours: dict) -> Mark:
    leakage = ours["scores"]["leakage"]
    return (
        f"leakage to the strongest attacker at most {LEAKAGE:.2f}, in the mean and with each seed",
        f"{leakage['value']:.2f}; seeds {_joined(leakage['seeds'])}",
        max(leakage["value"], *leakage["seeds"]) <= LEAKAGE,
    )


def _of_attributes(ours: dict) -> Mark:
    leakages = {name: scores["leakage"] for name, scores in ours["attributes"].items()}
    worst = max(leakages, key=lambda name: leakages[name]["value"])
    one = max(leakages, key=lambda name: max(leakages[name]["seeds"]))
    of_a_seed = max(leakages[one]["seeds"])
    return (
        f"at most {OF_AN_ATTRIBUTE:.2f} of every attribute, in the mean and with each seed",
        f"most: {worst} {leakages[worst]['value']:.2f}; of one seed: {one} {of_a_seed:.2f}",
        max(leakages[worst]["value"], of_a_seed) <= OF_AN_ATTRIBUTE,
    )


def _ahead(rows: dict[str, dict], asked: str, counts: Callable[[str], bool]) -> Mark:
    """Whether another has no fewer actions and leaks no more, by the means."""
    action, leaked = (rows["stprivacy"]["scores"][key]["value"] for key in ("top_1", "leakage"))
    others = {name: row for name, row in rows.items() if name != "stprivacy" and counts(name)}
    ahead = [
        row
        for row in others.values()
        if row["scores"]["top_1"]["value"] >= action and row["scores"]["leakage"]["value"] <= leaked
    ]
    if ahead:
        measured = "; ".join(f"{row['label']}: {_beside(row)}" for row in ahead)
    else:
        least = min(others.values(), key=lambda row: row["scores"]["leakage"]["value"])
        measured = f"none of {len(others)}; least leakage: {least['label']}, {_beside(least)}"
    return asked, measured, not ahead


def _weaker(half: dict) -> Mark:
    """Weaker: with `SIGNIFICANT`, worse in action or leakage, and better in neither."""
    tests = half["tests"]["stprivacy"]
    clear = [
        sign * tests[key]["value"]  # positive: worse than the whole
        for key, sign in (("top_1", -1.0), ("leakage", 1.0))
        if tests[key]["p"] is not None and tests[key]["p"] < SIGNIFICANT
    ]
    holds = bool(clear) and min(clear) > 0
    return f"{half['label']} weaker than the whole", _beside(half), holds


def _sweep(rows: list[dict]) -> list[Mark]:
    """Whether leakage and action rise, or stay, from each deployed keep ratio to the next."""
    places = [(next(iter(row["curves"].values())), row) for row in rows if row["curves"]]
    ordered = [row for _, row in sorted(places, key=lambda place: place[0])]
    ratios = sorted(ratio for ratio, _ in places)
    found = []
    for key, factor, digits, name in (
        ("leakage", 1.0, 2, "leakage"),
        ("top_1", 100.0, 1, "action top-1 %"),
    ):
        values = [row["scores"][key]["value"] for row in ordered]
        falls = [
            f"falls from {ratios[i]:g} to {ratios[i + 1]:g}: "
            + difference(after["tests"][before["id"]][key], factor, digits)
            for i, (before, after) in enumerate(pairwise(ordered))
            if after["scores"][key]["value"] < before["scores"][key]["value"] - _ROUNDING
        ]
        ends = difference(ordered[-1]["tests"][ordered[0]["id"]][key], factor, digits)
        measured = [_joined([factor * value for value in values], digits), *falls]
        measured.append(f"from end to end {ends}")
        asked = f"one model at keep ratios {ratios[0]:g} to {ratios[-1]:g}: {name} never falls"
        found.append((asked, "; ".join(measured), not falls))
    return found


def _beside(row: dict) -> str:
    tests = row["tests"]["stprivacy"]
    action, leakage = difference(tests["top_1"], 100.0, 1), difference(tests["leakage"])
    return f"top-1 {action}, leakage {leakage}"


def _joined(values: list[float], digits: int = 2) -> str:
    return " / ".join(f"{value:.{digits}f}" for value in values)
