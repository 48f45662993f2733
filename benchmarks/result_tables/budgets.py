"""How much the systems of the comparison were trained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from result_tables.cells import read


def _of_phases(settings: dict[str, Any], steps: int) -> str:
    phases = (settings["initialization_epochs"], settings["adversarial_epochs"])
    return " + ".join(f"{epochs * steps}" for epochs in phases)


def _of_vita(settings: dict[str, Any], steps: int) -> str:
    # One more for each monitor update, while actions are read less well than they should be.
    most = settings["steps"] * settings["monitor_updates"]
    return f"{settings['pretraining_steps']} + {settings['steps']} (+ at most {most})"


# Updates of the network that transforms, from its settings and the steps of an epoch.
_UPDATES: dict[str, Callable[[dict[str, Any], int], str]] = {
    "collective": lambda settings, steps: f"{settings['epochs'] * steps}",
    "vita": _of_vita,
    # Its epochs are in turns of the network that transforms and of its opponents.
    "spact": lambda settings, steps: (
        f"{settings['warmup_epochs'] * steps} + {settings['epochs'] * steps // 2}"
    ),
}


def budgets(results: Path) -> str:
    """Batch, updates of the network that transforms, and seconds of the systems that learn."""
    report = read(results / "benchmark_known.json")
    clips = report["settings"]["data"]["clips"][0]
    lines = [
        f"{clips} training clips; seconds of one core, mean over seeds, with pretraining and "
        "opponents.",
        "",
        "| system | batch | updates of the network that transforms | s |",
        "|---|---|---|---|",
    ]
    for row in report["rows"]:
        if "train system" not in row["seconds"]:
            continue
        settings = report["settings"]["systems"][row["id"]]
        steps = clips // settings["batch_size"]
        updates = _UPDATES.get(row["id"], _of_phases)(settings, steps)
        seconds = row["seconds"]["train system"]
        lines.append(f"| {row['label']} | {settings['batch_size']} | {updates} | {seconds:.0f} |")
    return "\n".join(lines)
