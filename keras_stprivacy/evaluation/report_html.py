"""A report as one page that needs no other file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
from keras_stprivacy.evaluation.page_style import STYLE
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


def render_html(report: Report) -> str:
    """Writes the page of a report."""
    parts = [
        "<h1>What attackers read from anonymized video</h1>",
        f'<p class="faint">{text_of(settings_line(report))}</p>',
        _cards(report),
        "<h2>Scores</h2>",
        _scores(report),
        '<p class="faint">Chance says "present" of every video (its AP is the prevalence) and '
        "names the most frequent action. Action only knows the true action of a video and how "
        "often training videos of that action have each attribute.</p>",
    ]
    if "leakage" in report[report.headline].scores:
        parts.append(f'<p class="faint">{text_of(LEAKAGE_WORDS)}</p>')
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
        items = "".join(f"<li>{text_of(note)}</li>" for note in report.notes)
        parts.append(f"<h2>Notes</h2><ul>{items}</ul>")
    parts += ["<h2>How this was measured</h2>", _training(report), _settings(report)]
    return page_of("Evaluation of an anonymizer", STYLE, parts)


def _picture(picture: ClipPicture) -> str:
    words = f"frames of a test clip: {', '.join(picture.rows)} ({picture.caption})"
    return image_of(picture, words)


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
        f'<div class="card"><b>{text_of(value)}</b><span>{text_of(words)}</span></div>'
        for value, words in cards
    )
    return f'<div class="cards">{"".join(items)}</div>'


def _scores(report: Report) -> str:
    columns = columns_of(report)
    lines = []
    for row in report.rows:
        texts = [cell(row.scores.get(name), *COLUMNS[name][1:]) for name in columns]
        shown = "anonymized" if row.name == report.headline else ""
        lines.append(line_of([row.label, *texts], f"{row.kind} {shown}".strip()))
    return table_of(["", *(COLUMNS[name][0] for name in columns)], lines)


def _attributes(report: Report) -> str:
    headings, lines = attribute_lines(report)
    return details_of(
        "All numbers of each attribute", table_of(headings, [line_of(line) for line in lines])
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
            f'<div class="bar"><div class="name">{text_of(attribute)}</div>'
            f'<svg overflow="visible" role="img" aria-label="average precision {text_of(end)} %">'
            f'{"".join(marks)}</svg><div class="end">{text_of(end)}</div></div>'
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
        first, last = curves["loss"][0], curves["loss"][-1]
        lines.append(
            f"<tr><td>{text_of(name)}</td><td>{len(curves['loss'])}</td>"
            f"<td>{first:.3f}</td><td>{last:.3f}</td>"
            f"<td>{text_of(metric)} {curves[metric][-1]:.3f}</td><td>{seconds:.0f}</td></tr>"
        )
    headings = ["attacker", "epochs", "first loss", "last loss", "on training clips", "seconds"]
    return table_of(headings, lines)


def _settings(report: Report) -> str:
    content: dict[str, Any] = report.to_dict()
    text = json.dumps({key: content[key] for key in ("settings", "seconds")}, indent=2)
    return details_of("All settings, seeds and times", preformatted(text))
