"""The tables of a benchmark's report as cells of text, for terminal, Markdown and page."""

from __future__ import annotations

from keras_stprivacy.benchmark.estimates import Difference, SeedEstimate
from keras_stprivacy.benchmark.quoted import SOURCE, QuotedTable
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.system_names import LABELS
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION, attacker_label
from keras_stprivacy.evaluation.report_text import COLUMNS, cell

Table = tuple[list[str], list[list[str]]]
MOST_ATTRIBUTES = 12  # in tables and bars; a benchmark may have thousands
WORDS = (
    "Leakage: 0 = what chance gives, 1 = what raw clips give (of average precision, mean over "
    "attributes). Ranges hold 95 % of bootstrap samples of the test videos."
)
ACTION_WORDS = "Leakage beyond the action: 0 = what the true action alone gives, 1 = as above."
ATTRIBUTE_SCORES = ("ap", "leakage", "leakage_action", "auroc", "f1")  # tables of each attribute

_OF_ATTRIBUTES = {
    "ap": ("AP %", 100.0, 1),
    "auroc": ("AUROC", 1.0, 3),
    "f1": ("F1", 1.0, 3),
    "leakage": ("leakage", 1.0, 2),
    "leakage_action": ("leakage beyond the action", 1.0, 2),
}
_LEAKAGES = ("leakage", "leakage_action")
# Without interval where the table must be narrow.
_PLAIN = ("top_5", "f1", "auroc", "leakage_action")


def main_table(report: BenchmarkReport, narrow: bool = False) -> Table:
    """Headings and lines of the scores of all rows.

    Args:
        report: of a benchmark.
        narrow: whether some scores stand without their intervals.
    """
    names = _scores(report)
    several = report.settings["seeds"] > 1
    headings = ["", *(_heading(name) for name in names)]
    tested = [name for name in ("top_1", "action_cmap", "leakage", "cmap") if name in names][:2]
    label = report[report.reference].label
    headings += [f"{_heading(name)}\n- {label}" for name in tested]
    lines = []
    for row in report.rows:
        line = [row.label]
        for name in names:
            one = row.scores.get(name)
            if narrow and name in _PLAIN and one is not None:
                one = SeedEstimate(one.value)
            line.append(number(one, *_form(name), several))
        tests = row.tests.get(report.reference, {})
        line += [difference_cell(tests.get(name), *_form(name)) for name in tested]
        lines.append(line)
    return headings, lines


def shown_attributes(report: BenchmarkReport) -> list[str]:
    """The attributes that tables and bars show: all, or of too many the most frequent ones."""
    names = list(report.attribute_names)
    if len(names) <= MOST_ATTRIBUTES:
        return names
    frequent = sorted(names, key=lambda name: -report.prevalence[name])[:MOST_ATTRIBUTES]
    return [name for name in names if name in frequent]


def attribute_table(report: BenchmarkReport, score: str) -> Table:
    """Headings and lines of one of `ATTRIBUTE_SCORES` of the attributes that are shown."""
    heading, factor, digits = _OF_ATTRIBUTES[score]
    names = shown_attributes(report)
    headings = [heading, *names]
    lines = []
    for row in report.rows:
        if score.startswith("leakage") and row.kind == "floor":
            continue
        each = [row.attributes[name].get(score) for name in names]
        lines.append([row.label, *(number(one, factor, digits, False) for one in each)])
    return headings, lines


def attacker_table(report: BenchmarkReport) -> Table | None:
    """cMAP of every attacker by itself, and how near rebuilt clips come; None with one attacker."""
    names = list(dict.fromkeys(name for row in report.rows for name in row.attackers))
    if len(names) < 2:
        return None
    readers = [name for name in names if name != "reconstruction"]
    headings = ["cMAP %", *(attacker_label(name) for name in readers)]
    rebuilt = "reconstruction" in names
    if rebuilt:
        headings += ["rebuilt, read as raw", "PSNR dB", "SSIM", "PSNR of the mean clip"]
    lines = []
    for row in report.rows:
        if row.kind == "floor":
            continue
        line = [row.label]
        for name in readers:
            line.append(number(row.attackers.get(name, {}).get("cmap"), 100.0, 1, False))
        if rebuilt:
            own = row.attackers.get("reconstruction", {})
            line.append(number(own.get("cmap"), 100.0, 1, False))
            line.append(number(own.get("psnr"), 1.0, 1, False))
            line.append(number(own.get("ssim"), 1.0, 3, False))
            line.append(number(own.get("psnr_floor"), 1.0, 1, False))
        lines.append(line)
    return headings, lines


def quoted_table(table: QuotedTable) -> Table:
    """Headings and lines of a table of the paper."""
    lines = []
    for name, values in table.rows.items():
        cells = [
            f"{value:.3f}" if column == "F1" else f"{value:.2f}"
            for column, value in zip(table.columns, values, strict=True)
        ]
        lines.append([LABELS[name], *cells])
    return [f"quoted: {table.title}", *table.columns], lines


def quoted_words() -> str:
    """What must be said of quoted numbers."""
    return (
        f"Quoted from {SOURCE}, not measured here: other data, networks and attackers; the paper "
        "gives no intervals."
    )


def number(one: SeedEstimate | None, factor: float, digits: int, several: bool) -> str:
    """A number with its interval and, of several seeds, its standard deviation over them.

    Example:

    >>> number(SeedEstimate(0.876, 0.851, 0.9, 0.004), 100.0, 1, several=True)
    '87.6 [85.1, 90.0] sd 0.4'
    """
    text = cell(one, factor, digits)
    if several and one is not None and one.sd is not None:
        text += f" sd {one.sd * factor:.{digits}f}"
    return text


def difference_cell(test: Difference | None, factor: float, digits: int) -> str:
    """A difference and its p-value as tables print them.

    Example:

    >>> difference_cell(Difference(-0.1, -0.2, -0.05, 0.0005), 100.0, 1)
    '-10.0 (p <0.01)'
    >>> difference_cell(Difference(None), 100.0, 1)
    '-'
    """
    if test is None or test.value is None or test.p is None:
        return "-"
    p = "<0.01" if test.p < 0.01 else f"{test.p:.2f}"
    return f"{test.value * factor:+.{digits}f} (p {p})"


def settings_line(report: BenchmarkReport) -> str:
    """One line of the settings that matter most."""
    s = report.settings
    environment = s["environment"]
    seeds = f"{s['seeds']} seed" + ("s" if s["seeds"] > 1 else "")
    half = " (reconstruction: half as many)" if RECONSTRUCTION in s["attackers"] else ""
    side_by_side = f", {s['workers']} cells at a time" if s.get("workers", 1) > 1 else ""
    if s.get("run_seconds") is not None:
        side_by_side += f", in a run of {s['run_seconds'] / 60:.0f} min"
    return (
        f"Protocol {report.protocol}; {seeds}; attackers: {', '.join(s['attackers'])}, "
        f"{s['epochs']} epochs{half}; {environment['backend']}, {environment['processor']}, "
        f"{environment['cpus']} CPUs; {s['seconds'] / 60:.0f} min of training and attacks"
        f"{side_by_side}."
    )


def _scores(report: BenchmarkReport) -> list[str]:
    groups = [f"cmap_{group}" for group in report.groups]
    order = ["top_1", "top_5", "action_cmap", *groups, "cmap", "f1", "auroc", *_LEAKAGES]
    return [name for name in order if any(name in row.scores for row in report.rows)]


def _heading(name: str) -> str:
    if name == "leakage_action":
        return "leakage\nbeyond action"
    if name in COLUMNS:
        return COLUMNS[name][0]
    return f"{name.removeprefix('cmap_')} cMAP %"


def _form(name: str) -> tuple[float, int]:
    if name in _LEAKAGES:
        return 1.0, 2
    return COLUMNS[name][1:] if name in COLUMNS else (100.0, 1)
