"""What the example on one's own videos ends with."""

from pathlib import Path

from result_tables.cells import read


def train_folder(results: Path) -> str:
    """What the example ends with on six clips of real people, by each recipe."""
    measured = read(results / "train_folder.json")
    first = next(iter(measured.values()))
    names = list(first["chance_ap"])
    heads = [f"AP % of {name}" for name in names]
    lines = [
        f"`{first['command'].replace(' --recipe ' + first['recipe'], '')}`, "
        f"{first['backend']}, {first['machine']}.",
        "",
        f"| | action top-1 % | {' | '.join(heads)} | leakage | by the last probe | nats of mask "
        "| nats of bits | CPU minutes, without the export |",
        f"|---|---|{'---|' * len(names)}---|---|---|---|---|",
    ]

    def add(label: str, row: dict, more: list[str]) -> None:
        top_1 = row["scores"].get("top_1")
        cells = ["-" if top_1 is None else f"{100 * top_1:.0f}"]
        cells += [f"{100 * row['ap'][name]:.0f}" for name in names]
        cells += [f"{row['scores']['leakage']:.2f}", *more]
        lines.append(f"| {label} | {' | '.join(cells)} |")

    add("raw clips", first["report"]["raw"], ["1.00", "-", "-", "-"])
    for recipe, run in measured.items():
        last = run["adversarial"]["last"]
        nats = [last.get(f"{what}_information") for what in ("mask", "bits")]
        more = [f"{run['probes'][-1]['probe_leakage']:.2f}"]
        more += ["-" if value is None else f"{value:.1f}" for value in nats]
        add(f"`{recipe}`", run["report"]["anonymized"], [*more, f"{run['cpu_seconds'] / 60:.0f}"])
    add("action only", first["report"]["action_only"], ["-"] * 4)
    add("chance", first["report"]["chance"], ["-"] * 4)
    return "\n".join(lines)
