"""A report as text for a terminal, and the cells that the page shares with it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from keras_stprivacy.evaluation.intervals import Estimate

if TYPE_CHECKING:
    from keras_stprivacy.evaluation.report import Report

# Score -> heading, factor and digits.
COLUMNS = {
    "top_1": ("top-1 %", 100.0, 1),
    "top_5": ("top-5 %", 100.0, 1),
    "action_cmap": ("action cMAP %", 100.0, 1),
    "cmap": ("cMAP %", 100.0, 1),
    "f1": ("F1", 1.0, 3),
    "auroc": ("AUROC", 1.0, 3),
    "leakage": ("leakage", 1.0, 2),
    "psnr": ("PSNR dB", 1.0, 1),
    "ssim": ("SSIM", 1.0, 3),
}
# Left out where no row has them.
_OPTIONAL = ("top_1", "top_5", "action_cmap", "psnr", "ssim")
LEAKAGE_WORDS = (
    "Leakage: 0 = what chance gives, 1 = what raw clips give (of average precision). "
    "Ranges hold 95 % of bootstrap samples of the test videos."
)


def render_text(report: Report) -> str:
    """Draws the tables of a report, without colours."""
    columns = columns_of(report)
    main = _table("attackers' scores", ["", *(COLUMNS[name][0] for name in columns)])
    for row in report.rows:
        cells = [cell(row.scores.get(name), *COLUMNS[name][1:]) for name in columns]
        main.add_row(row.label, *cells)
    headings, lines = attribute_lines(report)
    each = _table("each attribute", headings)
    for line in lines:
        each.add_row(*line)

    out = io.StringIO()
    console = Console(file=out, width=220, color_system=None, legacy_windows=False)
    console.print(main)
    console.print(each)
    text = [line.rstrip() for line in out.getvalue().splitlines()]
    worst = report.worst_attribute()
    if worst is not None:
        text.append(f"Leaks most: {worst[0]}, {cell(worst[1], 1.0, 2)}.")
    if "leakage" in report[report.headline].scores:
        text.append(LEAKAGE_WORDS)
    text.extend(f"Note: {note}" for note in report.notes)
    text.append(settings_line(report))
    return "\n".join(text)


def columns_of(report: Report) -> list[str]:
    """The scores that a table of this report has."""
    return [
        name
        for name in COLUMNS
        if name not in _OPTIONAL or any(name in row.scores for row in report.rows)
    ]


def attribute_lines(report: Report) -> tuple[list[str], list[list[str]]]:
    """The table of attributes: its headings, and the cells of each line."""
    ours, raw = report.headline, report.raw_headline
    names = [row.name for row in report.rows]
    short = {row.name: row.label.split(" (")[0].replace(", ", "\n") for row in report.rows}
    headings = ["attribute"]
    columns: list[tuple[str, str]] = []
    for name in ("chance", "action_only", ours, raw):
        if name is not None and name in names:
            columns.append((name, "ap"))
            headings.append(f"AP %\n{short[name]}")
    for metric, word in (("auroc", "AUROC"), ("f1", "F1")):
        for name in (ours, raw):
            if name is not None and name in names:
                columns.append((name, metric))
                headings.append(f"{word}\n{short[name]}")
    if raw is not None:
        columns.append((ours, "leakage"))
        headings.append("leakage")
    lines = []
    for attribute in report.attribute_names:
        line = [attribute]
        for name, metric in columns:
            factor, digits = {"ap": (100.0, 1), "leakage": (1.0, 2)}.get(metric, (1.0, 3))
            number = report[name].attributes[attribute].get(metric)
            if metric != "leakage" and number is not None:
                number = Estimate(number.value)
            line.append(cell(number, factor, digits))
        lines.append(line)
    return headings, lines


def cell(number: Any, factor: float, digits: int) -> str:
    """A number as it stands in a table: `87.6 [85.1, 90.0]`, or a dash where it is undefined.

    Args:
        number: None, or an `Estimate` or another object with `value`, `low` and `high`.
        factor: that it is multiplied with.
        digits: after the point.

    Example:

    >>> cell(Estimate(0.876, 0.851, 0.9), 100.0, 1), cell(Estimate(None), 1.0, 2)
    ('87.6 [85.1, 90.0]', '-')
    """
    if number is None or number.value is None:
        return "-"
    text = _fixed(number.value * factor, digits)
    if number.low is None or number.high is None or number.low == number.high:
        return text
    low, high = _fixed(number.low * factor, digits), _fixed(number.high * factor, digits)
    return f"{text} [{low}, {high}]"


def settings_line(report: Report) -> str:
    """One line of the settings that matter most."""
    s = report.settings
    kept = f", {s['kept_tubelets']} of {s['tubelets']} tubelets kept" if s.get("tubelets") else ""
    views = f" of {s['test_views']} views" if s.get("test_views", 1) > 1 else " of one view"
    return (
        f"{s['train_clips']} training clips, {s['test_videos']} test videos{views}{kept}; "
        f"attackers: {s['attacker']}, {s['epochs']} epochs, seed {s['seed']}, {s['backend']}; "
        f"{sum(report.seconds.values()):.0f} s."
    )


def _fixed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def _table(title: str, headings: list[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for heading in headings:
        left = heading in ("", "attribute")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    return table
