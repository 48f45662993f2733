"""The result of an evaluation, and the forms that it can be given."""

import csv
import dataclasses
import io
import json
import math
import os
import pathlib
from typing import Any

from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid
from keras_stprivacy.evaluation.intervals import Estimate
from keras_stprivacy.evaluation.scoring import Row

FORMAT_VERSION = 1


@dataclasses.dataclass
class Report:
    """What attackers read from anonymized clips, beside raw clips and floors.

    `str(report)` is a table for a terminal.

    Attributes:
        rows: systems, then floors.
        attribute_names: the private attributes.
        class_names: the actions.
        notes: what a reader must know about these numbers, in plain words.
        settings: everything that the numbers depend on.
        history: attacker, such as "anonymized/privacy" -> loss and metric of every epoch.
        seconds: step -> how long it took.
        prevalence: attribute -> share of the test videos that have it.
        pictures: some test clips before and after.
    """

    rows: list[Row]
    attribute_names: tuple[str, ...]
    class_names: tuple[str, ...]
    notes: list[str]
    settings: dict[str, Any]
    history: dict[str, dict[str, list[float]]]
    seconds: dict[str, float]
    prevalence: dict[str, float]
    pictures: list[ClipPicture] = dataclasses.field(default_factory=list)

    @property
    def headline(self) -> str:
        """Name of the row that counts: the strongest attacker, or the only one."""
        names = [row.name for row in self.rows]
        return next(name for name in ("anonymized/strongest", "anonymized") if name in names)

    @property
    def raw_headline(self) -> str | None:
        """The same of raw clips; None where they were not attacked."""
        names = [row.name for row in self.rows]
        return next((name for name in ("raw/strongest", "raw") if name in names), None)

    def __getitem__(self, name: str) -> Row:
        """The row of that name: "raw", "anonymized", "chance", "action_only".

        With several attackers also "anonymized/conv3d" and the like, "anonymized/strongest", the
        same of "raw", and with the attacker "reconstruction" the row "rebuilt".

        Raises:
            KeyError: if there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row is named {name!r}. There are: {[row.name for row in self.rows]}")

    def worst_attribute(self, name: str | None = None) -> tuple[str, Estimate] | None:
        """The attribute that leaks most in a row, and its leakage; None if none is defined.

        Args:
            name: of the row; None: the headline.
        """
        name = self.headline if name is None else name
        defined = {
            attribute: scores["leakage"].value
            for attribute, scores in self[name].attributes.items()
            if "leakage" in scores and scores["leakage"].value is not None
        }
        if not defined:
            return None
        worst = max(defined, key=lambda attribute: defined[attribute] or 0.0)
        return worst, self[name].attributes[worst]["leakage"]

    def __str__(self) -> str:
        from keras_stprivacy.evaluation.report_text import render_text

        return render_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but the pictures, in types that JSON knows; undefined is None."""
        return {
            "format_version": FORMAT_VERSION,
            "rows": [plain(dataclasses.asdict(row)) for row in self.rows],
            "attribute_names": list(self.attribute_names),
            "class_names": list(self.class_names),
            "prevalence": dict(self.prevalence),
            "notes": list(self.notes),
            "settings": plain(self.settings),
            "history": plain(self.history),
            "seconds": plain(self.seconds),
        }

    def to_json(self, path: str | os.PathLike | None = None) -> str:
        """Returns the report as JSON, and writes it to `path` if one is given."""
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        return written(text, path)

    def to_csv(self, path: str | os.PathLike | None = None) -> str:
        """Returns one line a number, and writes them to `path` if one is given.

        The columns are row, kind, attribute (empty for means over the attributes), score, value,
        low and high; undefined numbers are empty.
        """
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["row", "kind", "attribute", "score", "value", "low", "high"])
        for row in self.rows:
            for attribute, scores in {"": row.scores, **row.attributes}.items():
                for name, number in scores.items():
                    ends = (number.value, number.low, number.high)
                    numbers = ["" if x is None else f"{x:.6f}" for x in ends]
                    writer.writerow([row.name, row.kind, attribute, name, *numbers])
        return written(buffer.getvalue(), path)

    def to_html(self, path: str | os.PathLike) -> None:
        """Writes one page that needs no other file: tables, pictures, settings and notes."""
        from keras_stprivacy.evaluation.report_html import render_html

        written(render_html(self), path)

    def save_figure(self, path: str | os.PathLike) -> None:
        """Writes the picture: frames of test clips raw, sparsified and anonymized.

        Raises:
            ValueError: if the report holds no clips.
        """
        if not self.pictures:
            raise ValueError("this report holds no clips: evaluate(..., figure_clips=0) left none")
        target = pathlib.Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        clip_grid(self.pictures).save(target)


def written(text: str, path: str | os.PathLike | None) -> str:
    """Returns a text, and writes it to `path` if one is given."""
    if path is not None:
        target = pathlib.Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return text


def plain(value: Any) -> Any:
    """Turns NumPy numbers, tuples and NaN into what JSON knows."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
