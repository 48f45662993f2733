"""A benchmark's report as text for a terminal."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table

from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.tables import (
    ACTION_WORDS,
    WORDS,
    attacker_table,
    attribute_table,
    main_table,
    quoted_table,
    quoted_words,
    settings_line,
)


def render_text(report: BenchmarkReport) -> str:
    """Draws the tables of a report, without colours."""
    out = io.StringIO()
    console = Console(file=out, width=2000, color_system=None, legacy_windows=False)
    console.print(_table("measured", *main_table(report, narrow=True)))
    console.print(_table("each attribute", *attribute_table(report, "ap")))
    attackers = attacker_table(report)
    if attackers is not None:
        console.print(_table("each attacker", *attackers))
    for table in report.quoted:
        console.print(_table("", *quoted_table(table)))
    text = [line.rstrip() for line in out.getvalue().splitlines()]
    if report.quoted:
        text.append(quoted_words())
    text += [WORDS, ACTION_WORDS]
    text.extend(f"Note: {note}" for note in report.notes)
    text.append(settings_line(report))
    return "\n".join(text)


def _table(title: str, headings: list[str], lines: list[list[str]]) -> Table:
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    return table
