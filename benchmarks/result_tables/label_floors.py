"""Table of what is scored on VP-UCF101 and VP-HMDB51 without seeing a pixel."""

import statistics
from pathlib import Path

from result_tables.cells import read


def label_floors(results: Path) -> str:
    """Floors of both label files: each official split of one, draws of the other."""
    measured = read(results / "label_floors.json")
    lines = [
        f"`{measured['command']}`:",
        "",
        '| labels | split | cMAP, nothing | F1, "present" | cMAP, action alone |',
        "|---|---|---|---|---|",
    ]
    for labels, splits in measured["floors"].items():
        drawn = {name: floors for name, floors in splits.items() if name.startswith("draw")}
        rows = {name: [floors] for name, floors in splits.items() if name not in drawn}
        if drawn:
            rows[f"mean of {len(drawn)} draws (least-most)"] = list(drawn.values())
        for name, floors in rows.items():
            cells = [
                _spread([100 * one["chance"]["cmap"] for one in floors], 1),
                _spread([one["all_positive"]["f1"] for one in floors], 3),
                _spread([100 * one["action_only"]["cmap"] for one in floors], 1),
            ]
            lines.append(f"| {labels} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f}-{max(values):.{digits}f})"
