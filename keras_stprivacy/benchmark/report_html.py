"""A benchmark's report as one page that needs no other file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.page_style import STYLE
from keras_stprivacy.benchmark.plot import trade_off_svg
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
    shown_attributes,
)
from keras_stprivacy.evaluation.figure import ClipPicture
from keras_stprivacy.evaluation.html_parts import (
    details_of,
    image_of,
    line_of,
    page_of,
    preformatted,
    table_of,
    text_of,
)


def render_html(report: BenchmarkReport) -> str:
    """Writes the page of a report."""
    parts = [
        "<h1>What video anonymizers hide, and what they keep</h1>",
        f'<p class="faint">{text_of(settings_line(report))}</p>',
    ]
    plot = trade_off_svg(report)
    if plot:
        parts.append(f'<div class="plot">{plot}</div>')
        parts.append(
            '<p class="faint">Up and to the left is better. Bars are 95 % intervals over test '
            "videos; lines join the places of one dial.</p>"
        )
    floors = {row.label for row in report.rows if row.kind == "floor"}
    parts += ["<h2>Measured</h2>", _table(*main_table(report), floors)]
    parts.append(
        f'<p class="faint">{text_of(WORDS)} {text_of(ACTION_WORDS)} p: paired bootstrap over '
        "test videos, two-sided, not corrected for the number of comparisons.</p>"
    )
    parts += ["<h2>Attributes</h2>", _bars(report)]
    parts.append(
        details_of(
            "All numbers of each attribute",
            "".join(_table(*attribute_table(report, score), floors) for score in ATTRIBUTE_SCORES),
        )
    )
    attackers = attacker_table(report)
    if attackers is not None:
        parts += ["<h2>Attackers</h2>", _table(*attackers, floors)]
        if "PSNR dB" in attackers[0]:
            parts.append(
                '<p class="faint">Rebuilt: a decoder learned from pairs to give raw clips back; a '
                "recognizer of raw clips reads what it rebuilt. The mean clip is what it gives who "
                "sees nothing.</p>"
            )
    parts += _pictures(report)
    if report.quoted:
        parts += ["<h2>The paper's own figures</h2>", f'<p class="faint">{quoted_words()}</p>']
        parts += [_table(*quoted_table(table), set(), "quoted") for table in report.quoted]
    if report.notes:
        items = "".join(f"<li>{text_of(note)}</li>" for note in report.notes)
        parts.append(f"<h2>Notes</h2><ul>{items}</ul>")
    parts += ["<h2>How this was measured</h2>", _costs(report), _settings(report)]
    return page_of(f"Benchmark: {report.protocol}", STYLE, parts)


def _bars(report: BenchmarkReport) -> str:
    """Average precision of every attribute, a line a system, with floor and raw clips."""
    blocks = []
    systems = [row for row in report.rows if row.kind == "system"]
    for attribute in shown_attributes(report):
        floor = report["chance"].attributes[attribute]["ap"].value
        lines = []
        for row in systems:
            ap = row.attributes[attribute]["ap"]
            if ap.value is None:
                lines.append(
                    f'<div class="bar"><span class="name">{text_of(row.label)}</span>'
                    '<span class="faint">undefined</span><span></span></div>'
                )
                continue
            marks = [
                f'<rect class="track" x="0" y="5" width="100%" height="10" rx="2"/>'
                f'<rect class="{"rawbar" if row.id == "raw" else "ownbar"}" x="0" y="5" '
                f'width="{100 * ap.value:.2f}%" height="10" rx="2"/>'
            ]
            if ap.low is not None and ap.high is not None:
                marks.append(
                    f'<line class="whisker" x1="{100 * ap.low:.2f}%" x2="{100 * ap.high:.2f}%" '
                    'y1="10" y2="10"/>'
                )
            if floor is not None:
                x = f"{100 * floor:.2f}%"
                marks.append(f'<line class="tick" x1="{x}" x2="{x}" y1="1" y2="19"/>')
            lines.append(
                f'<div class="bar"><span class="name">{text_of(row.label)}</span>'
                f'<svg height="20" role="img" aria-label="average precision '
                f'{100 * ap.value:.1f} %">{"".join(marks)}</svg>'
                f'<span class="end">{100 * ap.value:.1f}</span></div>'
            )
        blocks.append(f'<div class="bars"><h3>{text_of(attribute)}</h3>{"".join(lines)}</div>')
    return (
        '<p class="faint">Average precision of the strongest attacker, 0 to 100 %. '
        '<span class="key"><i class="ownkey"></i>system</span>'
        '<span class="key"><i class="rawkey"></i>raw clips</span>'
        '<span class="key"><i class="floorkey"></i>chance</span></p>'
        f'<div class="barblocks">{"".join(blocks)}</div>'
    )


def _pictures(report: BenchmarkReport) -> list[str]:
    """The chosen clips, every system below the other."""
    count = min((len(clips) for _, _, clips in report.pictures), default=0)
    if not count:
        return []
    parts = ["<h2>Clips</h2>"]
    images = []
    for number in range(count):
        rows: dict[str, np.ndarray] = {}
        for name, label, clips in report.pictures:
            clip = clips[number]["rows"]
            if "sparsified" in clip:
                rows[f"{label}, dropped"] = clip["sparsified"]
            rows[label if name != "raw" else "Raw"] = clip["anonymized"]
        caption = report.pictures[0][2][number]["caption"]
        words = f"frames of a test clip ({caption}): {', '.join(rows)}"
        images.append(image_of(ClipPicture(rows, caption), words))
    parts.append(f'<div class="pictures">{"".join(images)}</div>')
    parts.append(
        '<p class="faint">"Dropped": the raw clip with dropped tubelets blackened, for '
        "illustration. What a system gives out is the line with its name.</p>"
    )
    return parts


def _costs(report: BenchmarkReport) -> str:
    headings = ["", "parameters", "tubelets kept", "training s", "attacks s"]
    lines = []
    for row in report.rows:
        if row.kind == "floor":
            continue
        train = row.seconds.get("train system")
        attacks = sum(row.seconds.values()) - (train or 0.0)
        lines.append(
            [
                row.label,
                "-" if row.parameters is None else f"{row.parameters:,}",
                "-" if row.kept_share is None else f"{100 * row.kept_share:.0f}\u00a0%",
                "-" if train is None else f"{train:.0f}",
                f"{attacks:.0f}",
            ]
        )
    return _table(headings, lines, set())


def _settings(report: BenchmarkReport) -> str:
    content: dict[str, Any] = report.to_dict()
    tests = {row["id"]: row["tests"] for row in content["rows"] if row["tests"]}
    strongest = {row["id"]: row["strongest"] for row in content["rows"] if row["strongest"]}
    return (
        details_of("All settings and seeds", _json(content["settings"]))
        + details_of("Paired tests of every two systems", _json(tests))
        + details_of("Strongest attacker of each attribute and seed", _json(strongest))
    )


def _json(content: Any) -> str:
    return preformatted(json.dumps(content, indent=1, ensure_ascii=False))


def _table(headings: list[str], lines: list[list[str]], floors: set[str], kind: str = "") -> str:
    rows = [line_of(line, "floor" if line[0] in floors else "") for line in lines]
    return table_of(headings, rows, kind)
