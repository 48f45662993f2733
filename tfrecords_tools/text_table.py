"""Tables as plain text."""

from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Columns side by side: the first one flush left, those of numbers flush right.

    Example:

    >>> print(text_table([["class", "videos"], ["wave", "12"], ["run", "7"]]))
    class  videos
    wave       12
    run         7
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = [
        i > 0 and all(row[i][:1].isdigit() or row[i] in ("", "-") for row in rows[1:])
        for i in range(len(widths))
    ]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        lines.append(indent + "  ".join(cells).rstrip())
    return "\n".join(lines)
