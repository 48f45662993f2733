"""What tables have in common: numbers with intervals, differences with p-values."""

import json
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def difference(test: dict[str, Any] | None, factor: float = 1.0, digits: int = 2) -> str:
    if test is None or test["p"] is None:
        return "-"
    p = "p < 0.01" if test["p"] < 0.01 else f"p {test['p']:.2f}"
    return f"{test['value'] * factor:+.{digits}f} ({p})"


def cell(number: dict[str, Any] | None, factor: float, digits: int, plain: bool = False) -> str:
    if number is None or number["value"] is None:
        return "-"
    text = f"{number['value'] * factor:.{digits}f}"
    if plain or number["low"] is None or number["low"] == number["high"]:
        return text
    low, high = (f"{number[end] * factor:.{digits}f}" for end in ("low", "high"))
    spread = number.get("sd")
    return f"{text} [{low}, {high}]" + (f" ± {spread * factor:.{digits}f}" if spread else "")
