"""The trade-off as a picture: how well actions are read against how much leaks, as SVG."""

from __future__ import annotations

import dataclasses
import html

from keras_stprivacy.benchmark.estimates import SeedEstimate
from keras_stprivacy.benchmark.report import BenchmarkReport, BenchmarkRow

_WIDTH, _HEIGHT = 760, 500
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 22, 18, 60
_LABEL = 15  # height of a label
_COLORS = 8  # classes c0 .. c7 in the page's style


@dataclasses.dataclass(frozen=True)
class _Point:
    row: BenchmarkRow
    x: SeedEstimate
    y: SeedEstimate


def trade_off_svg(report: BenchmarkReport) -> str:
    """Draws every system with its intervals, and a line through the places of one method.

    To the left and above is better: less leaks, more of the action is read.

    Args:
        report: with leakage, or cMAP where leakage is undefined.

    Returns:
        An `<svg>` element whose colours are those of the page; "" if there is nothing to draw.
    """
    across = "leakage" if any("leakage" in row.scores for row in report.rows) else "cmap"
    up = "top_1" if any("top_1" in row.scores for row in report.rows) else "action_cmap"
    points = [
        _Point(row, row.scores[across], row.scores[up])
        for row in report.rows
        if _defined(row, across) and _defined(row, up) and row.kind == "system"
    ]
    if not points:
        return ""
    xs = [0.0, *(end for p in points for end in _ends(p.x))]
    x_axis = _Axis(xs, _LEFT, _WIDTH - _RIGHT, of_shares=across == "cmap")
    floor = next((row.scores.get(up) for row in report.rows if row.id == "chance"), None)
    ys = [end for p in points for end in _ends(p.y)]
    if floor is not None and floor.value is not None:
        ys.append(floor.value)
    y_axis = _Axis(ys, _HEIGHT - _BOTTOM, _TOP, of_shares=True)
    parts = [_grid(x_axis, y_axis, across, up)]
    if floor is not None and floor.value is not None:
        y = y_axis(floor.value)
        parts.append(
            f'<line class="floorline" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" '
            f'y2="{y:.1f}"/><text class="small" x="{_WIDTH - _RIGHT}" y="{y - 5:.1f}" '
            'text-anchor="end">chance</text>'
        )
    parts += _curves(points, x_axis, y_axis)
    parts += [_mark(point, number, x_axis, y_axis) for number, point in enumerate(points)]
    parts += _labels(points, x_axis, y_axis)
    return (
        f'<svg class="tradeoff" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{_NAMES[up]} against {_NAMES[across]} of every system">{"".join(parts)}</svg>'
    )


_NAMES = {
    "leakage": "leakage (0 = chance, 1 = raw clips)",
    "cmap": "privacy cMAP %",
    "top_1": "action top-1 %",
    "action_cmap": "action cMAP %",
}


class _Axis:
    """From a score to a place in the picture, with round ticks."""

    def __init__(self, values: list[float], start: float, stop: float, of_shares: bool) -> None:
        low, high = min(values), max(values)
        spread = max(high - low, 0.05)
        step = next(
            digit * 10.0**exponent
            for exponent in range(-2, 308)
            for digit in (1, 2, 5)
            if spread <= 7 * digit * 10.0**exponent
        )
        self.low = step * int((low - 0.02 * spread) // step)
        self.high = step * -int(-(high + 0.02 * spread) // step)
        if of_shares:  # all within 0 and 1, and so should the ticks be
            self.low, self.high = max(self.low, 0.0), min(self.high, 1.0)
        self.ticks = [self.low + i * step for i in range(round((self.high - self.low) / step) + 1)]
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def _grid(x_axis: _Axis, y_axis: _Axis, across: str, up: str) -> str:
    parts = []
    for tick in x_axis.ticks:
        x = x_axis(tick)
        text = f"{100 * tick:.0f}" if across == "cmap" else f"{tick:.2f}".rstrip("0").rstrip(".")
        parts.append(
            f'<line class="gridline" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><text class="small" x="{x:.1f}" '
            f'y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{text}</text>'
        )
    for tick in y_axis.ticks:
        y = y_axis(tick)
        parts.append(
            f'<line class="gridline" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" '
            f'y2="{y:.1f}"/><text class="small" x="{_LEFT - 8}" y="{y + 4:.1f}" '
            f'text-anchor="end">{100 * tick:.0f}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    upright = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="axis" x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">'
        f'{_NAMES[across]}</text><text class="axis" transform="translate(16 {upright}) '
        f'rotate(-90)" text-anchor="middle">{_NAMES[up]}</text>'
    )
    return "".join(parts)


def _curves(points: list[_Point], x_axis: _Axis, y_axis: _Axis) -> list[str]:
    curves: dict[str, list[tuple[float, str]]] = {}
    for point in points:
        x, y = x_axis(point.x.value or 0.0), y_axis(point.y.value or 0.0)
        for name, place in point.row.curves.items():
            curves.setdefault(name, []).append((place, f"{x:.1f},{y:.1f}"))
    lines = []
    for name, own in curves.items():
        places = " ".join(where for _, where in sorted(own))
        if len(own) > 1:
            title = f"<title>{html.escape(name)}</title>"
            lines.append(f'<polyline class="curve" points="{places}">{title}</polyline>')
    return lines


def _mark(point: _Point, number: int, x_axis: _Axis, y_axis: _Axis) -> str:
    x, y = x_axis(point.x.value or 0.0), y_axis(point.y.value or 0.0)
    color = f"c{number % _COLORS}"
    low_x, high_x = (x_axis(end) for end in _ends(point.x))
    low_y, high_y = (y_axis(end) for end in _ends(point.y))
    title = html.escape(
        f"{point.row.label}: action {100 * (point.y.value or 0.0):.1f} %, "
        f"{point.x.value or 0.0:.2f}"
    )
    return (
        f'<g class="{color}"><title>{title}</title>'
        f'<line class="error" x1="{low_x:.1f}" x2="{high_x:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<line class="error" x1="{x:.1f}" x2="{x:.1f}" y1="{low_y:.1f}" y2="{high_y:.1f}"/>'
        f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/></g>'
    )


def _labels(points: list[_Point], x_axis: _Axis, y_axis: _Axis) -> list[str]:
    """Names beside the points, moved apart where they would overlap."""
    taken: list[tuple[float, float, float, float]] = []
    for point in points:
        x, y = x_axis(point.x.value or 0.0), y_axis(point.y.value or 0.0)
        taken.append((x - 7, y - 7, x + 7, y + 7))
    parts = []
    for point in sorted(points, key=lambda p: -(p.y.value or 0.0)):
        x, y = x_axis(point.x.value or 0.0), y_axis(point.y.value or 0.0)
        wide = 6.7 * len(point.row.label)
        place = min(
            _places(x, y, wide),
            key=lambda box: (_hidden(box, taken), abs(box[1] + _LABEL / 2 - y)),
        )
        taken.append(place)
        parts.append(
            f'<text class="name" x="{place[0]:.1f}" y="{place[3] - 3:.1f}">'
            f"{html.escape(point.row.label)}</text>"
        )
        middle = (place[1] + place[3]) / 2
        if abs(middle - y) > 1.5 * _LABEL:  # far from its point: a thin line says whose it is
            end = place[0] - 2 if place[0] > x else place[2] + 2
            parts.append(
                f'<line class="lead" x1="{x:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{middle:.1f}"/>'
            )
    return parts


def _places(x: float, y: float, wide: float) -> list[tuple[float, float, float, float]]:
    """Boxes that a label may take, beside its point and further up and down."""
    boxes = []
    for step in range(7):
        for sign in (1, -1):
            top = y - _LABEL / 2 + sign * step * _LABEL
            for left in (x + 10, x - 10 - wide):
                box = (left, top, left + wide, top + _LABEL)
                if (
                    box[0] >= _LEFT
                    and box[2] <= _WIDTH
                    and top >= 0
                    and box[3] <= _HEIGHT - _BOTTOM
                ):
                    boxes.append(box)
    return boxes or [(min(x + 10, _WIDTH - wide), y - _LABEL / 2, x + 10 + wide, y + _LABEL / 2)]


def _hidden(box: tuple, taken: list[tuple[float, float, float, float]]) -> float:
    """How much of a label would lie on others."""
    return sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )


def _ends(one: SeedEstimate) -> tuple[float, float]:
    value = one.value or 0.0
    return (
        value if one.low is None else one.low,
        value if one.high is None else one.high,
    )


def _defined(row: BenchmarkRow, score: str) -> bool:
    return score in row.scores and row.scores[score].value is not None
