"""A report as one page that needs no other file."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import TYPE_CHECKING, Any

from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid
from keras_stprivacy.evaluation.report_text import (
    COLUMNS,
    LEAKAGE_WORDS,
    attribute_lines,
    cell,
    columns_of,
    settings_line,
)

if TYPE_CHECKING:
    from keras_stprivacy.evaluation.report import Report

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e22; --faint: #666d78; --paper: #fbfbfa;
  --card: #fff; --line: #dfe2e6; --raw: #b4552d; --system: #2b66c9; --floor: #8a919c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #9aa2ad; --paper: #15171a;
  --card: #1d2024; --line: #33383f; --raw: #e48a5f; --system: #77a7f5; --floor: #808893; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 18px 60px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 1.08rem; margin: 38px 0 10px; }
p { margin: 6px 0; } .faint { color: var(--faint); font-size: .88rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px;
  margin: 20px 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 14px; }
.card b { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
.card span { color: var(--faint); font-size: .84rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .9rem; }
th, td { padding: 8px 12px; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--faint); font-size: .8rem; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; color: var(--faint); white-space: nowrap; }
tr.floor td { color: var(--faint); } tr.anonymized td { font-weight: 600; }
tr.anonymized small { font-weight: 400; }
.bars { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px 8px; }
.bar { display: grid; grid-template-columns: minmax(90px, 170px) 1fr 3.2em; gap: 12px;
  align-items: center; padding: 5px 0; font-size: .9rem; }
.bar .name { overflow-wrap: anywhere; } .bar .end { text-align: right; }
.bar svg { width: 100%; height: 26px; display: block; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 16px; }
.key i { width: 11px; height: 11px; border-radius: 50%; display: inline-block; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr));
  gap: 10px; }
.pictures img { display: block; width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: 10px; }
ul { padding-left: 1.2em; margin: 6px 0; }
details { margin: 10px 0; } summary { cursor: pointer; }
.key .tick { width: 3px; height: 15px; border-radius: 0; }
@media (max-width: 600px) {
  th, td { padding: 7px 8px; } table { font-size: .84rem; }
  .bar { grid-template-columns: 1fr 3.2em; gap: 0 12px; padding: 6px 0 2px; }
  .bar .name { grid-column: 1 / -1; }
}
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 12px 14px; font-size: .8rem; line-height: 1.45; }
"""


def render_html(report: Report) -> str:
    """Writes the page of a report."""
    parts = [
        "<h1>What attackers read from anonymized video</h1>",
        f'<p class="faint">{_text(settings_line(report))}</p>',
        _cards(report),
        "<h2>Scores</h2>",
        _scores(report),
        '<p class="faint">Chance says "present" of every video (its AP is the prevalence) and '
        "names the most frequent action. Action only knows the true action of a video and how "
        "often training videos of that action have each attribute.</p>",
    ]
    if "leakage" in report[report.headline].scores:
        parts.append(f'<p class="faint">{_text(LEAKAGE_WORDS)}</p>')
    parts += ["<h2>Attributes</h2>", _bars(report), _attributes(report)]
    if report.pictures:
        parts.append("<h2>Clips</h2>")
        parts.append(f'<div class="pictures">{"".join(map(_picture, report.pictures))}</div>')
        if "sparsified" in report.pictures[0].rows:
            parts.append(
                '<p class="faint">Sparsified: the raw clip with dropped tubelets blackened, for '
                "illustration. What the anonymizer gives out is the row below it.</p>"
            )
    if report.notes:
        items = "".join(f"<li>{_text(note)}</li>" for note in report.notes)
        parts.append(f"<h2>Notes</h2><ul>{items}</ul>")
    parts += ["<h2>How this was measured</h2>", _training(report), _settings(report)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation of an anonymizer</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _picture(picture: ClipPicture) -> str:
    buffer = io.BytesIO()
    clip_grid([picture]).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    words = f"frames of a test clip: {', '.join(picture.rows)} ({picture.caption})"
    return f'<img alt="{_text(words)}" src="data:image/png;base64,{data}">'


def _cards(report: Report) -> str:
    names = {row.name for row in report.rows}
    ours = report[report.headline].scores
    cards = []

    def versus(name: str) -> str:
        heading, factor, digits = COLUMNS[name]
        known = (("raw clips", report.raw_headline), ("chance", "chance"))
        beside = [
            f"{word} {cell(report[row].scores[name], factor, digits).split(' ')[0]}"
            for word, row in known
            if row in names and name in report[row].scores
        ]
        return f"{'action ' if name == 'top_1' else ''}{heading}; {', '.join(beside)}"

    for name in ("top_1", "action_cmap", "cmap"):
        if name not in ours:
            continue
        value = cell(ours[name], *COLUMNS[name][1:]).split(" ")[0]
        cards.append((value, versus(name)))
    if "leakage" in ours:
        value, _, interval = cell(ours["leakage"], 1.0, 2).partition(" ")
        cards.append((value, f"leakage, mean over attributes {interval}"))
        worst = report.worst_attribute()
        if worst is not None:
            value, _, interval = cell(worst[1], 1.0, 2).partition(" ")
            cards.append((value, f"highest leakage: {worst[0]} {interval}"))
    if report.settings.get("tubelets") and report.settings.get("kept_tubelets"):
        kept, tubelets = report.settings["kept_tubelets"], report.settings["tubelets"]
        cards.append((f"{100 * kept / tubelets:.0f} %", f"tubelets kept: {kept} of {tubelets}"))
    items = (
        f'<div class="card"><b>{_text(value)}</b><span>{_text(words)}</span></div>'
        for value, words in cards
    )
    return f'<div class="cards">{"".join(items)}</div>'


def _scores(report: Report) -> str:
    columns = columns_of(report)
    head = "".join(f"<th>{_text(COLUMNS[name][0])}</th>" for name in columns)
    lines = []
    for row in report.rows:
        cells = [_number(cell(row.scores.get(n), *COLUMNS[n][1:])) for n in columns]
        shown = "anonymized" if row.name == report.headline else ""
        lines.append(
            f'<tr class="{row.kind} {shown}"><td>{_text(row.label)}</td>{"".join(cells)}</tr>'
        )
    return _table(f"<th></th>{head}", lines)


def _attributes(report: Report) -> str:
    headings, lines = attribute_lines(report)
    head = "".join(f"<th>{_text(heading)}</th>" for heading in headings)
    rows = [
        f"<tr><td>{_text(line[0])}</td>{''.join(_number(text) for text in line[1:])}</tr>"
        for line in lines
    ]
    return (
        "<details><summary>All numbers of each attribute</summary>"
        + _table(head, rows)
        + ("</details>")
    )


def _bars(report: Report) -> str:
    """Average precision of every attribute on one line from 0 to 1."""
    names = {"anonymized": report.headline, "raw": report.raw_headline, "chance": "chance"}
    bars = []
    for attribute in report.attribute_names:
        ap = {
            name: report[row].attributes[attribute]["ap"]
            for name, row in names.items()
            if row is not None
        }
        ours = ap["anonymized"]
        marks = ['<line x1="0" x2="100%" y1="13" y2="13" stroke="var(--line)" stroke-width="2"/>']
        if ours.low is not None and ours.high is not None:
            marks.append(
                f'<line x1="{100 * ours.low:.2f}%" x2="{100 * ours.high:.2f}%" y1="13" y2="13" '
                'stroke="var(--system)" stroke-width="7" stroke-opacity=".3"/>'
            )
        floor = ap["chance"].value
        if floor is not None:
            x = f"{100 * floor:.2f}%"
            marks.append(
                f'<line x1="{x}" x2="{x}" y1="3" y2="23" stroke="var(--floor)" stroke-width="2.5"/>'
            )
        for name, color in (("raw", "raw"), ("anonymized", "system")):
            value = ap[name].value if name in ap else None
            if value is not None:
                x = f"{100 * value:.2f}%"
                marks.append(f'<circle cx="{x}" cy="13" r="6" fill="var(--{color})"/>')
        end = cell(ours, 100.0, 1).split(" ")[0]
        bars.append(
            f'<div class="bar"><div class="name">{_text(attribute)}</div>'
            f'<svg overflow="visible" role="img" aria-label="average precision {_text(end)} %">'
            f'{"".join(marks)}</svg><div class="end">{_text(end)}</div></div>'
        )
    keys = [("system", "anonymized"), ("raw", "raw clips"), ("floor", "chance")]
    legend = "".join(
        f'<span class="key"><i {"class=tick " if color == "floor" else ""}'
        f'style="background:var(--{color})"></i>{word}</span>'
        for color, word in keys
        if color != "raw" or names["raw"] is not None
    )
    return (
        f'<div class="bars"><p class="faint">Average precision, 0 to 100 %. {legend}</p>'
        f"{''.join(bars)}</div>"
    )


def _training(report: Report) -> str:
    lines = []
    for name, curves in report.history.items():
        metric = next((key for key in curves if key != "loss"), "loss")
        seconds = report.seconds.get(f"train {name}", 0.0)
        lines.append(
            f"<tr><td>{_text(name)}</td><td>{len(curves['loss'])}</td>"
            f"<td>{curves['loss'][0]:.3f}</td><td>{curves['loss'][-1]:.3f}</td>"
            f"<td>{_text(metric)} {curves[metric][-1]:.3f}</td><td>{seconds:.0f}</td></tr>"
        )
    head = "<th>attacker</th><th>epochs</th><th>first loss</th><th>last loss</th>"
    return _table(head + "<th>on training clips</th><th>seconds</th>", lines)


def _settings(report: Report) -> str:
    content: dict[str, Any] = report.to_dict()
    text = json.dumps({key: content[key] for key in ("settings", "seconds")}, indent=2)
    summary = "<summary>All settings, seeds and times</summary>"
    return f"<details>{summary}<pre>{_text(text)}</pre></details>"


def _table(head: str, lines: list[str]) -> str:
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _number(text: str) -> str:
    value, _, interval = text.partition(" ")
    small = (
        f"<small>{_text(interval.strip('[]').replace(', ', ' to '))}</small>" if interval else ""
    )
    return f"<td>{_text(value)}{small}</td>"


def _text(value: Any) -> str:
    return html.escape(str(value))
