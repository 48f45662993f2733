"""Tables of seconds: a step, a whole training, every system on each backend."""

from pathlib import Path

from result_tables.cells import read


def step_time(results: Path) -> str:
    """Seconds per step at full size."""
    return (results / "step_time.md").read_text(encoding="utf-8").rstrip()


def full_size(results: Path) -> str:
    """A few steps of each phase at full size, and what whole trainings would cost."""
    measured = read(results / "full_size.json")
    settings, rows = measured["settings"], measured["rows"]
    lines = [
        f"`{settings['command']}`: vit_small_16x112, batch {settings['batch']}, "
        f"{settings['backend']}, {settings['machine']}. The columns of a GPU are arithmetic, at "
        f"{settings['gpu_tflops']:g} TFLOP/s.",
        "",
        "| phase | s / step here | clips / s here |"
        + "".join(f" {name}: clips | hours here | GPU hours |" for name in measured["plan"]),
        "|---|---|---|" + "---|---|---|" * len(measured["plan"]),
    ]
    for phase, row in rows.items():
        cells = [phase, f"{row['s_per_step']:.2f}", f"{settings['batch'] / row['s_per_step']:.2f}"]
        for dataset in measured["plan"].values():
            cost = dataset[phase]
            cells += [
                f"{cost['clips']:,}",
                f"{cost['hours_here']:,.0f}",
                f"{cost['hours_gpu']:.1f}",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    total = ["all", "", ""]
    for dataset in measured["plan"].values():
        sums = {k: sum(cost[k] for cost in dataset.values()) for k in ("hours_here", "hours_gpu")}
        total += ["", f"{sums['hours_here']:,.0f}", f"{sums['hours_gpu']:.1f}"]
    lines.append(f"| {' | '.join(total)} |")
    return "\n".join(lines)


def each_backend(results: Path, clips: str = "real") -> str:
    """How long every system trained on a few clips, on each backend."""
    measured = read(results / f"{clips}_clips.json")
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    columns = [name for name in names if name in measured]
    heads = [f"{names[name]}: training s | pixels change by" for name in columns]
    lines = [
        f"| system | weights | {' | '.join(heads)} |",
        f"|---|---|{'---|---|' * len(columns)}",
    ]
    rows = {name: measured[name]["rows"] for name in columns}
    for system in sorted(set().union(*rows.values())):
        own = {name: rows[name][system] for name in columns if system in rows[name]}
        count = next(iter(own.values()))["parameters"]
        weights, cells = f"{count:,}" if count else "-", []
        for name in columns:
            if name not in own:
                cells += ["not measured", "not measured"]
                continue
            seconds = own[name]["train_seconds"]
            cells += [
                "-" if seconds is None else f"{seconds:.0f}",
                f"{100 * own[name]['mean_absolute_difference']:.1f} %",
            ]
        lines.append(f"| {system} | {weights} | {' | '.join(cells)} |")
    return "\n".join(lines)
