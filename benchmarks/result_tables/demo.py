"""Tables of `make demo`."""

from pathlib import Path

from result_tables.cells import cell, read


def motion_digits_demo(results: Path) -> str:
    """What `make demo` ended with: raw clips, anonymized ones, chance."""
    rows = {row["name"]: row for row in read(results / "motion_digits_demo.json")["rows"]}
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
            cell(scores.get("top_1"), 100.0, 1, plain),
            cell(scores["cmap"], 100.0, 1, plain),
            cell(scores["leakage"], 1.0, 2, plain),
        ]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def motion_digits_attributes(results: Path) -> str:
    """Each attribute of the demo: floor, anonymized, raw."""
    report = read(results / "motion_digits_demo.json")
    rows = {row["name"]: row for row in report["rows"]}
    lines = [
        "| attribute | chance AP % | strongest attacker AP % | raw AP % | leakage |",
        "|---|---|---|---|---|",
    ]
    for name in report["attribute_names"]:
        strongest = rows["anonymized/strongest"]["attributes"][name]
        ap = {row: rows[row]["attributes"][name]["ap"] for row in ("chance", "raw")}
        cells = [
            cell(ap["chance"], 100.0, 1, True),
            cell(strongest["ap"], 100.0, 1),
            cell(ap["raw"], 100.0, 1, True),
            cell(strongest["leakage"], 1.0, 2),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
