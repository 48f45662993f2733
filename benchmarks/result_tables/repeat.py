"""Table of a benchmark that was measured again."""

import re
from pathlib import Path

from result_tables.cells import read


def repeat(results: Path, name: str = "known") -> str:
    """Systems of `repeat_<name>.json`: how many numbers, and how far they are apart."""
    again = read(results / f"repeat_{name}.json")
    systems = again["systems"].values()
    took = again["run_seconds"]
    where = again["environment"]
    command = re.sub(r"--systems \S+", "--systems ...", again["command"])
    lines = [
        f"`{command}`, {where['backend']}, {where['cpus']} CPU cores:",
        "",
        "| | seeds | numbers compared | largest difference | seconds of a cell, before | again |",
        "|---|---|---|---|---|---|",
    ]
    for one in systems:
        apart = f"{one['largest']:.1e}" if one["largest"] else "0"
        cells = " | ".join(f"{value}" for value in one["seconds"])
        lines.append(f"| {one['label']} | {one['seeds']} | {one['numbers']} | {apart} | {cells} |")
    if took is not None:  # it is known of a run that began with nothing
        hours, minutes = divmod(round(took / 60), 60)
        run = f"{hours} h {minutes} min"
        lines += ["", f"All of it in one run of {run}, {again['workers']} cells at a time."]
    return "\n".join(lines)
