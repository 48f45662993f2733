"""Pieces of a page that reports share."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid


def text_of(value: Any) -> str:
    """A value as text of a page.

    Example:

    >>> text_of("<skin & tone>")
    '&lt;skin &amp; tone&gt;'
    """
    return html.escape(str(value))


def number_cell(text: str) -> str:
    """A cell of a table: a number, and what follows it in small print.

    Example:

    >>> number_cell("91.2 [88.0, 93.1]")
    '<td>91.2<small>88.0 to 93.1</small></td>'
    """
    value, _, rest = text.partition(" ")
    rest = rest.replace("[", "").replace("]", "").replace(", ", " to ")
    return f"<td>{text_of(value)}{f'<small>{text_of(rest)}</small>' if rest else ''}</td>"


def line_of(texts: Sequence[str], kind: str = "") -> str:
    """A line of a table: a name, and numbers.

    Args:
        texts: the name, then the numbers.
        kind: its class, for the style.

    Example:

    >>> line_of(["Raw", "1.0"], kind="floor")
    '<tr class="floor"><td>Raw</td><td>1.0</td></tr>'
    """
    cells = "".join(map(number_cell, texts[1:]))
    shown = f' class="{kind}"' if kind else ""
    return f"<tr{shown}><td>{text_of(texts[0])}</td>{cells}</tr>"


def table_of(headings: Sequence[str], lines: Sequence[str], kind: str = "") -> str:
    """A table that can be scrolled sideways.

    Args:
        headings: of the columns.
        lines: as `line_of` writes them.
        kind: class beside "wide", for the style.
    """
    head = "".join(f"<th>{text_of(heading)}</th>" for heading in headings)
    shown = f"wide {kind}".strip()
    return (
        f'<div class="{shown}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def details_of(summary: str, content: str) -> str:
    """What shows when its summary is clicked."""
    return f"<details><summary>{text_of(summary)}</summary>{content}</details>"


def preformatted(text: str) -> str:
    """Text as it is, such as JSON."""
    return f"<pre>{text_of(text)}</pre>"


def image_of(picture: ClipPicture, words: str) -> str:
    """A picture within the page.

    Args:
        picture: rows of frames.
        words: what it shows, for who cannot see it.
    """
    buffer = io.BytesIO()
    clip_grid([picture]).save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{text_of(words)}" src="data:image/png;base64,{data}">'


def page_of(title: str, style: str, parts: Sequence[str]) -> str:
    """A page that needs no other file."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text_of(title)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )
