"""A benchmark measured again, compared with the kept one number by number.

    stprivacy benchmark known --workers 2 --out results/again     # hours on two cores
    python benchmarks/repeat.py results/again

Compares the report in the folder with `benchmarks/results/benchmark_<protocol>.json`: of each
system and seed that both have, every score, every attribute's and every attacker's. The leakage is
left out: it depends on the mean over the seeds of raw clips. Seconds of a cell are means over the
seeds. Result: `benchmarks/results/repeat_<protocol>.json`.

Expected: the table "repeat_known" in docs/evaluation.md; on one machine and backend, with the same
number of workers, no number differs.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def compared(again: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """What two reports of one protocol have in common, and how far they are apart.

    Args:
        again: a report, as its JSON.
        kept: another.

    Returns:
        For each system its label, how many `seeds` and `numbers` were compared, the `largest`
        absolute difference, and the `seconds` of a cell in both.

    Raises:
        SystemExit: if they are of two protocols, of other settings, or have nothing in common.
    """
    for key in ("protocol", "class_names", "attribute_names"):
        if again[key] != kept[key]:
            raise SystemExit(f"the reports differ in {key}: {again[key]} and {kept[key]}")
    ignored = ("seeds", "seconds", "run_seconds", "command", "environment", "systems")
    for key, value in kept["settings"].items():
        if key not in ignored and not _says(again["settings"].get(key), value):
            raise SystemExit(
                f"the reports differ in the setting {key}: {again['settings'].get(key)} and {value}"
            )
    others = {row["id"]: row for row in kept["rows"]}
    systems = {}
    for row in again["rows"]:
        other = others.get(row["id"])
        if other is None or row["kind"] != "system":
            continue
        pairs = list(_pairs(row, other))
        systems[row["id"]] = {
            "label": row["label"],
            "seeds": min(len(one["scores"]["cmap"]["seeds"]) for one in (row, other)),
            "numbers": len(pairs),
            "largest": max(abs(one - two) for one, two in pairs),
            "seconds": [round(sum(one["seconds"].values())) for one in (other, row)],
        }
    if not systems:
        raise SystemExit("the reports have no system in common")
    return systems


def _says(settings: Any, kept: Any) -> bool:
    """Whether settings are those that were kept; an older report does not have all of them."""
    if isinstance(settings, dict) and isinstance(kept, dict):
        return all(key in settings and _says(settings[key], kept[key]) for key in kept)
    return bool(settings == kept)


def _pairs(row: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[float, float]]:
    """The same number of both rows, seed by seed."""
    places = [("scores",), *(("attributes", name) for name in row["attributes"])]
    places += [("attackers", name) for name in row["attackers"]]
    for place in places:
        mine, its = row, other
        for key in place:
            mine, its = mine[key], its[key]
        for score, value in mine.items():
            if not score.startswith("leakage"):
                yield from zip(value["seeds"], its[score]["seeds"], strict=False)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the second run")
    options = parser.parse_args(arguments)
    again = json.loads((options.folder / "report.json").read_text())
    name = again["protocol"]
    kept = json.loads((RESULTS / f"benchmark_{name}.json").read_text())
    content = {
        "command": again["settings"]["command"],
        "environment": again["settings"]["environment"],
        "workers": again["settings"]["workers"],
        "run_seconds": again["settings"]["run_seconds"],
        "systems": compared(again, kept),
    }
    path = RESULTS / f"repeat_{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"kept as {path}; now run: python benchmarks/make_tables.py")


if __name__ == "__main__":
    main()
