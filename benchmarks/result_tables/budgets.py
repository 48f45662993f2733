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
    clips = _training_clips(report)
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
        size = report["settings"]["systems"][row["id"]]["batch_size"]
        seconds = row["seconds"]["train system"]
        lines.append(f"| {row['label']} | {size} | {_updates(report, row)} | {seconds:.0f} |")
    return "\n".join(lines)


def longer(results: Path) -> str:
    """Rivals that were trained longer, beside themselves and STPrivacy in the comparison."""
    known, report = (read(results / f"benchmark_{name}.json") for name in ("known", "longer"))
    trained = [row for row in report["rows"] if "train system" in row["seconds"]]
    names = {row["id"] for row in trained}
    before = [row for row in known["rows"] if row["id"] in {*names, "stprivacy"}]
    lines = [
        "Seed 0.",
        "",
        "| system | updates of the network that transforms | s | action top-1 % | leakage |",
        "|---|---|---|---|---|",
    ]
    for of, row, words in (
        *((known, row, "") for row in before),
        *((report, row, ", longer") for row in trained),
    ):
        action, leakage = (row["scores"][key]["seeds"][0] for key in ("top_1", "leakage"))
        lines.append(
            f"| {row['label']}{words} | {_updates(of, row)} | {row['seconds']['train system']:.0f} "
            f"| {100 * action:.1f} | {leakage:.2f} |"
        )
    return "\n".join(lines)


def _training_clips(report: dict[str, Any]) -> int:
    return report["settings"]["data"]["clips"][0]


def _updates(report: dict[str, Any], row: dict[str, Any]) -> str:
    settings = report["settings"]["systems"][row["id"]]
    steps = _training_clips(report) // settings["batch_size"]
    return _UPDATES.get(row["id"], _of_phases)(settings, steps)
