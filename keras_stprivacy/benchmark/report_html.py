"""A benchmark's report as one page that needs no other file."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.page_style import STYLE
from keras_stprivacy.benchmark.plot import trade_off_svg
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.tables import (
    WORDS,
    attacker_table,
    attribute_table,
    main_table,
    quoted_table,
    quoted_words,
    settings_line,
)
from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid


def render_html(report: BenchmarkReport) -> str:
    """Writes the page of a report."""
    parts = [
        "<h1>What video anonymizers hide, and what they keep</h1>",
        f'<p class="faint">{_text(settings_line(report))}</p>',
    ]
    plot = trade_off_svg(report)
    if plot:
        parts.append(f'<div class="plot">{plot}</div>')
        parts.append(
            '<p class="faint">Up and to the left is better. Bars are 95 % intervals over test '
            "videos; lines join the places of one method.</p>"
        )
    floors = {row.label for row in report.rows if row.kind == "floor"}
    parts += ["<h2>Measured</h2>", _table(*main_table(report), floors)]
    parts.append(
        f'<p class="faint">{_text(WORDS)} p: paired bootstrap over test videos, two-sided, not '
        "corrected for the number of comparisons.</p>"
    )
    parts += ["<h2>Attributes</h2>", _bars(report)]
    parts.append(
        _details(
            "All numbers of each attribute",
            [
                _table(*attribute_table(report, "ap"), floors),
                _table(*attribute_table(report, "leakage"), floors),
            ],
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
        items = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
        parts.append(f"<h2>Notes</h2><ul>{items}</ul>")
    parts += ["<h2>How this was measured</h2>", _costs(report), _settings(report)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Benchmark: {_text(report.protocol)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _bars(report: BenchmarkReport) -> str:
    """Average precision of every attribute, a line a system, with floor and raw clips."""
    blocks = []
    systems = [row for row in report.rows if row.kind == "system"]
    for attribute in report.attribute_names:
        floor = report["chance"].attributes[attribute]["ap"].value
        lines = []
        for row in systems:
            ap = row.attributes[attribute]["ap"]
            if ap.value is None:
                lines.append(
                    f'<div class="bar"><span class="name">{_text(row.label)}</span>'
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
                f'<div class="bar"><span class="name">{_text(row.label)}</span>'
                f'<svg height="20" role="img" aria-label="average precision '
                f'{100 * ap.value:.1f} %">{"".join(marks)}</svg>'
                f'<span class="end">{100 * ap.value:.1f}</span></div>'
            )
        blocks.append(f'<div class="bars"><h3>{_text(attribute)}</h3>{"".join(lines)}</div>')
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
        buffer = io.BytesIO()
        picture = ClipPicture(rows, caption)
        clip_grid([picture], label_width=150).save(buffer, "PNG", optimize=True)
        data = base64.b64encode(buffer.getvalue()).decode()
        words = f"frames of a test clip ({caption}): {', '.join(rows)}"
        images.append(f'<img alt="{_text(words)}" src="data:image/png;base64,{data}">')
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
                "-" if row.kept_share is None else f"{100 * row.kept_share:.0f} %",
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
        _details("All settings and seeds", [_json(content["settings"])])
        + _details("Paired tests of every two systems", [_json(tests)])
        + _details("Strongest attacker of each attribute and seed", [_json(strongest)])
    )


def _json(content: Any) -> str:
    return f"<pre>{_text(json.dumps(content, indent=1, ensure_ascii=False))}</pre>"


def _details(summary: str, parts: list[str]) -> str:
    return f"<details><summary>{_text(summary)}</summary>{''.join(parts)}</details>"


def _table(headings: list[str], lines: list[list[str]], floors: set[str], kind: str = "") -> str:
    head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
    body = []
    for line in lines:
        cells = "".join(_cell(text) for text in line[1:])
        shown = ' class="floor"' if line[0] in floors else ""
        body.append(f"<tr{shown}><td>{_text(line[0])}</td>{cells}</tr>")
    return (
        f'<div class="wide {kind}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    value, _, rest = text.partition(" ")
    rest = rest.replace("[", "").replace("]", "").replace(", ", " to ")
    return f"<td>{_text(value)}{f'<small>{_text(rest)}</small>' if rest else ''}</td>"


def _text(value: Any) -> str:
    return html.escape(str(value))
