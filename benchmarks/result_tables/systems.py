"""Tables of `stprivacy benchmark`: every system, short and long, and STPrivacy by attribute."""

from collections.abc import Callable
from pathlib import Path

from result_tables.cells import cell, difference, read

# Key of a score, heading, factor, digits.
_SCORES = (
    ("top_1", "action top-1 %", 100.0, 1),
    ("action_cmap", "action cMAP %", 100.0, 1),
    ("cmap", "privacy cMAP %", 100.0, 1),
    ("f1", "F1", 1.0, 3),
    ("auroc", "AUROC", 1.0, 3),
    ("leakage", "leakage", 1.0, 2),
)


def _score_cells(row: dict, columns: list[tuple[str, str, float, int]]) -> list[str]:
    """A row of a benchmark in columns of `_SCORES`; F1 and AUROC without intervals."""
    return [
        cell(row["scores"].get(key), factor, digits, key in ("f1", "auroc"))
        for key, _, factor, digits in columns
    ]


def _changed_since(report: dict) -> str:
    """Sentences on what benchmarks do otherwise today."""
    settings = report["settings"]
    with_it = dict.fromkeys(
        row["label"].split(" at ")[0]
        for row in report["rows"]
        if settings["systems"].get(row["id"], {}).get("word_weight")
    )
    words = ""
    if with_it:
        words += (
            f" With a reader of words (`word_weight`), off by default since: {', '.join(with_it)}."
        )
    if "test_seed" not in settings["data"]:
        words += " Benchmarks have other test clips since, and VITA clips of its own to watch."
    return words


def systems(results: Path, name: str = "known") -> str:
    """The systems of a benchmark's report, `benchmark_<name>.json`."""
    report = read(results / f"benchmark_{name}.json")
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
        f"{settings['workers']}{whole}.{_changed_since(report)}",
        "",
        f"| | {' | '.join(headings)} |",
        f"|---|{'---|' * len(headings)}",
    ]
    for row in report["rows"]:
        cells = _score_cells(row, columns)
        if rebuilds:
            cells.append(cell(row["attackers"].get("reconstruction", {}).get("cmap"), 100.0, 1))
        tests = row["tests"].get(reference, {})
        cells += [difference(tests.get("top_1"), 100.0, 1), difference(tests.get("leakage"))]
        lines.append(f"| {row['label']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def systems_short(results: Path) -> str:
    """Action, cMAP and leakage of every system and floor, without tests between systems."""
    report = read(results / "benchmark_known.json")
    columns = [column for column in _SCORES if column[0] in ("top_1", "cmap", "leakage")]
    lines = [f"| | {' | '.join(column[1] for column in columns)} |", "|---|---|---|---|"]
    lines += [
        f"| {row['label']} | {' | '.join(_score_cells(row, columns))} |" for row in report["rows"]
    ]
    if words := _changed_since(report):
        lines += ["", words.strip()]
    return "\n".join(lines)


def stprivacy_seeds(results: Path) -> str:
    """STPrivacy beside raw clips: action and leakage, then every attribute."""
    report = read(results / "benchmark_known.json")
    rows = {row["id"]: row for row in report["rows"]}
    raw, ours = rows["raw"], rows["stprivacy"]
    share = ours["scores"]["top_1"]["value"] / raw["scores"]["top_1"]["value"]
    lines = ["| | raw clips | STPrivacy | chance | leakage |", "|---|---|---|---|---|"]

    def add(heading: str, key: str, of: Callable[[dict], dict]) -> None:
        numbers = [cell(of(row).get(key), 100.0, 1) for row in (raw, ours)]
        floor = cell(of(rows["chance"]).get(key), 100.0, 1, True)
        leaked = "-" if key == "top_1" else cell(of(ours)["leakage"], 1.0, 2)
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
