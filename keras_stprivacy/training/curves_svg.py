"""Draws the curves of a training as SVG, panel by panel."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Callable, Mapping, Sequence

_WIDTH, _HEIGHT = 540, 320  # of a panel
_LEFT, _RIGHT, _BOTTOM = 58, 16, 44
_TITLE, _LEGEND = 24, 18  # height of the title and of a line of the legend
_COLORS = 8
_MEAN = "mean"
_LETTER = 6.4  # width of a letter in the legend, about

STYLE = """
.curves { --ink: #1c1e22; --faint: #5f6671; --card: #ffffff; --line: #dfe2e6;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
@media (prefers-color-scheme: dark) { .curves { --ink: #e6e8eb; --faint: #9aa2ad;
  --card: #1d2024; --line: #33383f; } }
.curves .paper { fill: var(--card); } .curves .title { fill: var(--ink); font-size: 15px;
  font-weight: 600; } .curves .small { fill: var(--faint); font-size: 12px; }
.curves .grid { stroke: var(--line); stroke-width: 1; }
.curves .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.curves .thin { stroke-width: 1.2; stroke-opacity: .55; stroke-dasharray: 2 3; }
.curves .dashed { stroke-dasharray: 6 4; } .curves .dot { fill: currentColor;
  stroke: var(--card); stroke-width: 1.5; }
.curves .c0 { color: #2b66c9; } .curves .c1 { color: #b4552d; } .curves .c2 { color: #2f8f5b; }
.curves .c3 { color: #8a55b8; } .curves .c4 { color: #b08a1e; } .curves .c5 { color: #1e93a8; }
.curves .c6 { color: #c2497f; } .curves .c7 { color: #6a7a3a; }
"""


@dataclasses.dataclass(frozen=True)
class Series:
    """One curve.

    Attributes:
        name: in the legend; curves of one name have one color.
        points: epochs and values.
        kind: "line" (training), "dashed" (validation) or "dots" (a probe).
    """

    name: str
    points: tuple[tuple[float, float], ...]
    kind: str = "line"


@dataclasses.dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Attributes:
        title: above the panel.
        series: the curves.
        unit: whether the axis shows at least 0 to 1.
        by_attribute: whether an attribute has the same color as in other panels.
    """

    title: str
    series: tuple[Series, ...]
    unit: bool = False
    by_attribute: bool = False


def curves_svg(epochs: Sequence[Mapping[str, float]]) -> str:
    """Draws what `fit` logged.

    Args:
        epochs: the logs of each epoch, with `"epoch"` counted from 1.

    Returns:
        An `<svg>` element that needs nothing else: losses, nats that mask and bits say beyond the
        action, retained ratios, how well actions are read, average precision of the opponents in
        the loop (lines) and of a probe's fresh attackers (dots), and the leakage that the probe
        found. Panels without a value are left out.

    Example:

    >>> curves_svg([{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.5}]).startswith("<svg")
    True
    """
    panels = panels_of(epochs)
    numbers = [logs["epoch"] for logs in epochs]
    attributes = sorted(
        {one.name for panel in panels if panel.by_attribute for one in panel.series}
    )
    attributes = [_MEAN, *(name for name in attributes if name != _MEAN)]
    columns = 1 if len(panels) == 1 else 2
    width = columns * _WIDTH
    height = max(1, -(-len(panels) // columns)) * _HEIGHT
    drawn = "".join(
        f'<g transform="translate({index % columns * _WIDTH} {index // columns * _HEIGHT})">'
        f"{_panel(panel, attributes, min(numbers), max(numbers))}</g>"
        for index, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="curves" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="curves of a training">'
        f'<style>{STYLE}</style><rect class="paper" width="100%" height="100%"/>{drawn}</svg>'
    )


def panels_of(epochs: Sequence[Mapping[str, float]]) -> list[Panel]:
    """Sorts what was logged into panels, see `curves_svg`.

    Example:

    >>> [panel.title for panel in panels_of([{"epoch": 1, "loss": 0.5, "retained_ratio_1": 0.7}])]
    ['losses', 'retained ratio']
    """
    names = list(dict.fromkeys(name for logs in epochs for name in logs))

    def lines(chosen: Callable[[str], str | None]) -> list[Series]:
        found = []
        for name in names:
            label = chosen(name.removeprefix("val_"))
            if label is not None:
                kind = "dashed" if name.startswith("val_") else "line"
                found.append(Series(label, _points(epochs, name), kind))
        return found

    def dots(chosen: Callable[[str], str | None]) -> list[Series]:
        measured = [logs for logs in epochs if logs.get("probe_epoch") == logs["epoch"]]
        named = ((chosen(name), name) for name in names)
        return [Series(label, _points(measured, name), "dots") for label, name in named if label]

    reads = ("action_accuracy", "action_average_precision")
    nats = {"mask_information": "decision mask", "bits_information": "bits of kept tubelets"}
    panels = [
        Panel("losses", tuple(lines(lambda n: n if n == "loss" or n.endswith("_loss") else None))),
        Panel("nats beyond the action", tuple(lines(nats.get))),
        Panel(
            "retained ratio",
            tuple(lines(lambda n: _after(n, "retained_ratio_", "block "))),
            unit=True,
        ),
        Panel(
            "how well actions are read",
            (
                *lines(lambda n: "recognizer in training" if n in reads else None),
                *dots(
                    lambda n: "on what a deployment gives out (probe)" if n[6:] in reads else None
                ),
            ),
            unit=True,
        ),
        Panel(
            "leakage to a fresh attacker (0 chance, 1 raw clips)",
            (
                *dots(lambda n: _MEAN if n == "probe_leakage" else None),
                *dots(lambda n: "worst attribute" if n == "probe_worst_leakage" else None),
            ),
            unit=True,
        ),
        Panel(
            "average precision of attributes: opponent in training",
            (
                *lines(lambda n: _MEAN if n == "privacy_average_precision" else None),
                *lines(lambda n: _after(n, "privacy_ap_")),
            ),
            unit=True,
            by_attribute=True,
        ),
        Panel(
            "average precision of attributes: fresh attacker (probe)",
            tuple(dots(lambda n: _after(n, "probe_ap_"))),
            unit=True,
            by_attribute=True,
        ),
    ]
    kept = (
        dataclasses.replace(panel, series=tuple(one for one in panel.series if one.points))
        for panel in panels
    )
    return [panel for panel in kept if panel.series]


def _after(name: str, prefix: str, instead: str = "") -> str | None:
    return instead + name.removeprefix(prefix) if name.startswith(prefix) else None


def _points(epochs: Sequence[Mapping[str, float]], name: str) -> tuple[tuple[float, float], ...]:
    values = ((logs["epoch"], logs.get(name)) for logs in epochs)
    return tuple((x, float(y)) for x, y in values if y is not None and math.isfinite(y))


# One panel --------------------------------------------------------------------------------------


def _panel(panel: Panel, attributes: list[str], first: float, last: float) -> str:
    names = list(dict.fromkeys(series.name for series in panel.series))
    numbers = {name: n for n, name in enumerate(attributes if panel.by_attribute else names)}
    names.sort(key=numbers.__getitem__)
    color = {name: f"c{numbers[name] % _COLORS}" for name in names}
    legend, rows = _legend(names, color, {series.kind for series in panel.series})
    ys = [y for series in panel.series for _, y in series.points]
    top = _TITLE + rows * _LEGEND + 14
    x_axis = _Axis(first, last, _LEFT + 8, _WIDTH - _RIGHT - 8, whole=True)
    low, high = (min([*ys, 0.0]), max([*ys, 1.0])) if panel.unit else (min(ys), max(ys))
    y_axis = _Axis(low, high, _HEIGHT - _BOTTOM, top)
    parts = [f'<text class="title" x="{_LEFT}" y="20">{html.escape(panel.title)}</text>', legend]
    parts += [_grid_line(y_axis(tick), y_axis.text(tick)) for tick in y_axis.ticks]
    parts += [
        f'<text class="small" x="{x_axis(tick):.1f}" y="{_HEIGHT - _BOTTOM + 17}" '
        f'text-anchor="middle">{x_axis.text(tick)}</text>'
        for tick in x_axis.ticks
    ]
    parts.append(
        f'<text class="small" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" '
        'text-anchor="middle">epoch</text>'
    )
    for series in panel.series:
        places = [(x_axis(x), y_axis(y)) for x, y in series.points]
        parts.append(f'<g class="{color[series.name]}">{_curve(places, series.kind)}</g>')
    return "".join(parts)


def _curve(places: list[tuple[float, float]], kind: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    style = {"line": "line", "dashed": "line dashed", "dots": "line thin"}[kind]
    line = f'<polyline class="{style}" points="{path}"/>' if len(places) > 1 else ""
    if kind == "dots" or len(places) == 1:
        line += "".join(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>' for x, y in places
        )
    return line


def _grid_line(y: float, text: str) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="small" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _legend(names: list[str], color: dict[str, str], kinds: set[str]) -> tuple[str, int]:
    """The names of the curves under the title, and how many lines they take."""
    entries = [(name, color[name]) for name in names]
    if {"line", "dashed"} <= kinds:
        entries.append(("dashed: validation", ""))
    parts, x, row = [], float(_LEFT), 0
    for text, style in entries:
        wide = _LETTER * len(text) + (20 if style else 0)
        if x > _LEFT and x + wide > _WIDTH - _RIGHT:
            x, row = float(_LEFT), row + 1
        y = _TITLE + row * _LEGEND + 14
        if style:
            parts.append(
                f'<g class="{style}"><rect x="{x:.1f}" y="{y - 9}" width="12" height="9" rx="2" '
                'fill="currentColor"/></g>'
            )
        start = x + (17 if style else 0)
        parts.append(f'<text class="small" x="{start:.1f}" y="{y}">{html.escape(text)}</text>')
        x += wide + 14
    return "".join(parts), row + 1


class _Axis:
    """From a value to a place in the picture, with round ticks."""

    def __init__(
        self, low: float, high: float, start: float, stop: float, whole: bool = False
    ) -> None:
        spread = max(high - low, 1.0 if whole else 1e-6 * max(1.0, abs(low)))
        power = 10.0 ** math.floor(math.log10(spread))
        steps = [power * factor for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)]
        if whole:
            steps = [step for step in steps if step >= 1.0] or [1.0]
        self.step = next((step for step in steps if spread / step <= 7), steps[-1])
        first, last = math.floor(low / self.step + 1e-9), math.ceil(high / self.step - 1e-9)
        last = max(last, first + 1)
        if whole:  # epochs begin and end where they are
            self.low, self.high = low, max(high, low + 1.0)
            first, last = math.ceil(low / self.step), math.floor(high / self.step)
        else:
            self.low, self.high = first * self.step, last * self.step
        self.ticks = [number * self.step for number in range(first, last + 1)]
        self.start, self.stop = start, stop

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def text(self, tick: float) -> str:
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{tick:.{digits}f}".replace("-0" if not float(f"{tick:.{digits}f}") else "\0", "0")
