"""Writes the tables of README and docs from what was measured.

    python benchmarks/make_tables.py            # writes them anew
    python benchmarks/make_tables.py --check    # says which are not up to date, and ends with 1

A table stands between two lines of its file:

    <!-- table: motion_digits_demo -->
    <!-- end of table -->

Its name is one of `TABLES`, a function that reads files of `benchmarks/results/`.
"""

import functools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
# Key of a score, heading, factor, digits.
_SCORES = (
    ("top_1", "action top-1 %", 100.0, 1),
    ("action_cmap", "action cMAP %", 100.0, 1),
    ("cmap", "privacy cMAP %", 100.0, 1),
    ("f1", "F1", 1.0, 3),
    ("auroc", "AUROC", 1.0, 3),
    ("leakage", "leakage", 1.0, 2),
)
_MARKED = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)


def motion_digits_demo(results: Path) -> str:
    """What `make demo` ended with: raw clips, anonymized ones, chance."""
    rows = {row["name"]: row for row in _read(results / "motion_digits_demo.json")["rows"]}
    lines = ["| | action top-1 % | privacy cMAP % | leakage |", "|---|---|---|---|"]
    for name, label in (
        ("raw", "raw clips"),
        ("anonymized", "anonymized"),
        ("anonymized/mask", "anonymized, decision mask only"),
        ("anonymized/strongest", "anonymized, strongest attacker"),
        ("chance", "chance"),
    ):
        scores = rows[name]["scores"]
        plain = name == "chance"
        cells = [
            _cell(scores.get("top_1"), 100.0, 1, plain),
            _cell(scores["cmap"], 100.0, 1, plain),
            _cell(scores["leakage"], 1.0, 2, plain),
        ]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def motion_digits_attributes(results: Path) -> str:
    """Each attribute of the demo: floor, anonymized, raw."""
    report = _read(results / "motion_digits_demo.json")
    rows = {row["name"]: row for row in report["rows"]}
    lines = [
        "| attribute | chance AP % | strongest attacker AP % | raw AP % | leakage |",
        "|---|---|---|---|---|",
    ]
    for name in report["attribute_names"]:
        strongest = rows["anonymized/strongest"]["attributes"][name]
        ap = {row: rows[row]["attributes"][name]["ap"] for row in ("chance", "raw")}
        cells = [
            _cell(ap["chance"], 100.0, 1, True),
            _cell(strongest["ap"], 100.0, 1),
            _cell(ap["raw"], 100.0, 1, True),
            _cell(strongest["leakage"], 1.0, 2),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _score_cells(row: dict, columns: list[tuple[str, str, float, int]]) -> list[str]:
    """A row of a benchmark in columns of `_SCORES`; F1 and AUROC without intervals."""
    return [
        _cell(row["scores"].get(key), factor, digits, key in ("f1", "auroc"))
        for key, _, factor, digits in columns
    ]


def systems(results: Path, name: str = "known") -> str:
    """The systems of a benchmark's report, `benchmark_<name>.json`."""
    report = _read(results / f"benchmark_{name}.json")
    columns = [
        column for column in _SCORES if any(column[0] in row["scores"] for row in report["rows"])
    ]
    reference = report["reference"]
    label = next(row["label"] for row in report["rows"] if row["id"] == reference)
    headings = [heading for _, heading, _, _ in columns]
    rebuilds = any("reconstruction" in row["attackers"] for row in report["rows"])
    if rebuilds:
        headings.append("cMAP % of rebuilt clips")
    headings += [f"top-1 - {label}", f"leakage - {label}"]
    settings, where = report["settings"], report["settings"]["environment"]
    run = settings["run_seconds"]
    whole = "" if run is None else f", in a run of {run / 60:.0f} minutes"
    lines = [
        f"Seeds: {settings['seeds']}. {where['backend']}, {where['cpus']} CPU cores; "
        f"{settings['seconds'] / 60:.0f} minutes of training and attacks, cells at a time: "
        f"{settings['workers']}{whole}.",
        "",
        f"| | {' | '.join(headings)} |",
        f"|---|{'---|' * len(headings)}",
    ]
    for row in report["rows"]:
        cells = _score_cells(row, columns)
        if rebuilds:
            cells.append(_cell(row["attackers"].get("reconstruction", {}).get("cmap"), 100.0, 1))
        tests = row["tests"].get(reference, {})
        cells += [_difference(tests.get("top_1"), 100.0, 1), _difference(tests.get("leakage"))]
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def systems_short(results: Path) -> str:
    """Action, cMAP and leakage of every system and floor, without tests between systems."""
    report = _read(results / "benchmark_known.json")
    columns = [column for column in _SCORES if column[0] in ("top_1", "cmap", "leakage")]
    lines = [f"| | {' | '.join(column[1] for column in columns)} |", "|---|---|---|---|"]
    lines += [
        f"| {row['label']} | {' | '.join(_score_cells(row, columns))} |" for row in report["rows"]
    ]
    return "\n".join(lines)


def stprivacy_seeds(results: Path) -> str:
    """STPrivacy beside raw clips: action and leakage, then every attribute."""
    report = _read(results / "benchmark_known.json")
    rows = {row["id"]: row for row in report["rows"]}
    raw, ours = rows["raw"], rows["stprivacy"]
    share = ours["scores"]["top_1"]["value"] / raw["scores"]["top_1"]["value"]
    lines = ["| | raw clips | STPrivacy | chance | leakage |", "|---|---|---|---|---|"]

    def add(heading: str, key: str, of: Callable[[dict], dict]) -> None:
        numbers = [_cell(of(row).get(key), 100.0, 1) for row in (raw, ours)]
        floor = _cell(of(rows["chance"]).get(key), 100.0, 1, True)
        leaked = "-" if key == "top_1" else _cell(of(ours)["leakage"], 1.0, 2)
        lines.append(f"| {heading} | {' | '.join(numbers)} | {floor} | {leaked} |")

    add("action top-1 %", "top_1", lambda row: row["scores"])
    add("privacy cMAP %", "cmap", lambda row: row["scores"])
    for name in report["attribute_names"]:
        add(f"AP % of {name}", "ap", lambda row, name=name: row["attributes"][name])
    each = [f"{100 * value:.1f}" for value in ours["scores"]["top_1"]["seeds"]]
    lines += [
        "",
        f"Seeds: {len(each)}, with top-1 {' / '.join(each)} %; the mean is {share:.2f} times that "
        "of raw clips.",
    ]
    return "\n".join(lines)


def gates(results: Path) -> str:
    """How far an initialization comes with each gate."""
    measured = _read(results / "gates.json")
    settings = measured["settings"]
    lines = [
        f"`python benchmarks/gates.py`, {settings['backend']}, {settings['machine']}; "
        f"{settings['num_clips']} clips, {settings['epochs']} epochs.",
        "",
        "| gate | accuracy in training % | retained in training | accuracy in inference % | s |",
        "|---|---|---|---|---|",
    ]
    for row in measured["rows"]:
        retained = [v for k, v in row["training"].items() if k.startswith("retained_ratio")]
        lines.append(
            f"| {row['gate']} | {100 * row['training']['action_accuracy']:.1f} | "
            f"{' / '.join(f'{v:.2f}' for v in retained)} | "
            f"{100 * row['inference']['action_accuracy']:.1f} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


def opponents(results: Path) -> str:
    """What two fresh attackers read from each variant of phase 2."""
    measured = _read(results / "opponents_0.json")
    settings = measured["settings"]
    first = next(iter(measured["rows"].values()))["report"]
    names = first["attribute_names"]
    lines = [
        f"`python benchmarks/opponents.py`, {settings['backend']}, {settings['machine']}; "
        f"{settings['num_clips']} training clips, validation clips attacked. Average precision, %: "
        "a transformer on clips / a dense network on decision masks.",
        "",
        f"| variant | action top-1 % | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(names)}",
    ]

    def percent(row: dict, name: str) -> str:
        return f"{100 * row['attributes'][name]['ap']['value']:.0f}"

    for variant, result in measured["rows"].items():
        rows = {row["name"]: row for row in result["report"]["rows"]}
        clips, masks = rows["anonymized"], rows["anonymized/mask"]
        cells = [f"{percent(clips, name)} / {percent(masks, name)}" for name in names]
        top_1 = 100 * clips["scores"]["top_1"]["value"]
        lines.append(f"| {variant} | {top_1:.1f} | {' | '.join(cells)} |")
    chance = {row["name"]: row for row in first["rows"]}["chance"]
    lines.append(f"| chance | | {' | '.join(percent(chance, name) for name in names)} |")
    return "\n".join(lines)


def word_reader(results: Path) -> str:
    """The information price with and without a reader of words, for each seed."""
    names = {"information": "without", "information, word": "with"}
    lines = [
        "| seed | word reader | action top-1 % | cMAP % of clips | cMAP % of masks | chance |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted(results.glob("opponents_*.json")):
        measured = _read(path)
        for variant, words in names.items():
            if variant not in measured["rows"]:
                continue
            rows = {row["name"]: row for row in measured["rows"][variant]["report"]["rows"]}
            clips, masks = rows["anonymized"]["scores"], rows["anonymized/mask"]["scores"]
            numbers = clips["top_1"], clips["cmap"], masks["cmap"], rows["chance"]["scores"]["cmap"]
            cells = [_cell(number, 100.0, 1) for number in numbers]
            lines.append(f"| {measured['settings']['seed']} | {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def step_time(results: Path) -> str:
    """Seconds per step at full size."""
    return (results / "step_time.md").read_text(encoding="utf-8").rstrip()


def full_size(results: Path) -> str:
    """A few steps of each phase at full size, and what whole trainings would cost."""
    measured = _read(results / "full_size.json")
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
    measured = _read(results / f"{clips}_clips.json")
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


TABLES: dict[str, Callable[[Path], str]] = {
    "motion_digits_demo": motion_digits_demo,
    "motion_digits_attributes": motion_digits_attributes,
    "systems_known": systems,
    "systems_short": systems_short,
    "systems_quick": functools.partial(systems, name="quick"),
    "deployment": functools.partial(systems, name="deployment"),
    "stprivacy_seeds": stprivacy_seeds,
    "gates": gates,
    "opponents": opponents,
    "word_reader": word_reader,
    "step_time": step_time,
    "full_size": full_size,
    "real_clips": each_backend,
    "embedded_clips": functools.partial(each_backend, clips="embedded"),
}


def filled(text: str, results: Path = RESULTS) -> str:
    """A text of Markdown with every table between marks made anew.

    Raises:
        KeyError: if a table has no such name.
        FileNotFoundError: if what it is made of was not measured.
    """

    def table(match: re.Match) -> str:
        name = match.group(2)
        if name not in TABLES:
            raise KeyError(f"no table is named {name!r}. There are: {', '.join(TABLES)}")
        return f"{match.group(1)}{TABLES[name](results)}\n{match.group(4)}"

    return _MARKED.sub(table, text)


def documents(root: Path = ROOT) -> list[Path]:
    """The files that may hold tables."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def main(arguments: list[str]) -> int:
    stale = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.write_text(new, encoding="utf-8")
    for path in stale:
        print(
            f"{path.relative_to(ROOT)}: {'not up to date' if '--check' in arguments else 'written'}"
        )
    return 1 if stale and "--check" in arguments else 0


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _difference(test: dict[str, Any] | None, factor: float = 1.0, digits: int = 2) -> str:
    if test is None or test["p"] is None:
        return "-"
    p = "p < 0.01" if test["p"] < 0.01 else f"p {test['p']:.2f}"
    return f"{test['value'] * factor:+.{digits}f} ({p})"


def _cell(number: dict[str, Any] | None, factor: float, digits: int, plain: bool = False) -> str:
    if number is None or number["value"] is None:
        return "-"
    text = f"{number['value'] * factor:.{digits}f}"
    if plain or number["low"] is None or number["low"] == number["high"]:
        return text
    low, high = (f"{number[end] * factor:.{digits}f}" for end in ("low", "high"))
    spread = number.get("sd")
    return f"{text} [{low}, {high}]" + (f" ± {spread * factor:.{digits}f}" if spread else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
