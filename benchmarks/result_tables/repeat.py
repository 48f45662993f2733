"""Table of a benchmark that was measured again."""

import re
from pathlib import Path

from result_tables.cells import read


def repeat(results: Path, name: str = "known") -> str:
    """Systems of `repeat_<name>.json`: how many numbers, and how far they are apart."""
    again = read(results / f"repeat_{name}.json")
    systems = again["systems"].values()
    seconds = sum(one["seconds"][1] / one["seeds"] for one in systems)
    where = again["environment"]
    minutes = seconds / again["workers"] / 60
    command = re.sub(r"--systems \S+", "--systems ...", again["command"])
    lines = [
        f"`{command}`, {where['backend']}, {where['cpus']} CPU cores:",
        "",
        "| | seeds | numbers compared | largest difference | seconds of a cell, before | again |",
        "|---|---|---|---|---|---|",
    ]
    for one in systems:
        apart = f"{one['largest']:.1e}" if one["largest"] else "0"
        took = " | ".join(f"{value}" for value in one["seconds"])
        lines.append(f"| {one['label']} | {one['seeds']} | {one['numbers']} | {apart} | {took} |")
    lines += [
        "",
        f"That is {minutes:.0f} minutes for a seed of these {len(systems)} systems, "
        f"{again['workers']} cells at a time: for three seeds {3 * minutes / 60:.1f} hours.",
    ]
    return "\n".join(lines)
