"""A benchmark's report as Markdown."""

from __future__ import annotations

from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.tables import (
    ACTION_WORDS,
    ATTRIBUTE_SCORES,
    WORDS,
    attacker_table,
    attribute_table,
    main_table,
    quoted_table,
    quoted_words,
    settings_line,
)


def render_markdown(report: BenchmarkReport) -> str:
    """Writes the tables and notes of a report."""
    parts = [f"# Benchmark: {report.protocol}", settings_line(report)]
    parts += [markdown_table(*main_table(report)), f"{WORDS} {ACTION_WORDS}"]
    parts.append("## Attributes")
    for score in ATTRIBUTE_SCORES:
        parts.append(markdown_table(*attribute_table(report, score)))
    attackers = attacker_table(report)
    if attackers is not None:
        parts += ["## Attackers", markdown_table(*attackers)]
    if report.quoted:
        parts += ["## The paper's own figures", quoted_words()]
        parts += [markdown_table(*quoted_table(table)) for table in report.quoted]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {note}" for note in report.notes)]
    return "\n\n".join(parts) + "\n"


def markdown_table(headings: list[str], lines: list[list[str]]) -> str:
    """A table in Markdown.

    Example:

    >>> print(markdown_table(["", "a|b"], [["x", "1"]]))
    |  | a\\|b |
    |---|---:|
    | x | 1 |
    """

    def row(cells: list[str]) -> str:
        escaped = (text.replace("|", "\\|").replace("\n", " ") for text in cells)
        return f"| {' | '.join(escaped)} |"

    rule = f"|---|{'---:|' * (len(headings) - 1)}"
    return "\n".join([row(headings), rule, *map(row, lines)])
