"""What is in a dataset, in numbers."""

import dataclasses
import json
from typing import Any

from tfrecords_tools.label_floors import Floors, by_group
from tfrecords_tools.text_table import text_table

_MOST_ROWS = 20
_MOST_FLOORS = 3  # more are summed up in the notes


@dataclasses.dataclass(frozen=True)
class SplitStats:
    """What is in a split.

    Attributes:
        videos: how many.
        unannotated: how many of them have no annotation of the private attributes.
        classes: for each action, how many videos show it.
        attributes: for each private attribute, its share of the annotated videos; None where there
            are none.
        amounts: name such as "seconds" → smallest, 5 %, median, 95 %, largest, and the sum.
    """

    videos: int
    unannotated: int
    classes: tuple[int, ...]
    attributes: tuple[float | None, ...]
    amounts: dict[str, dict[str, float]]


@dataclasses.dataclass(frozen=True)
class StatsReport:
    """What is in a dataset, in numbers.

    Attributes:
        name: of the dataset.
        where: it is.
        class_names: the actions.
        attribute_names: the private attributes.
        attribute_groups: kind → number of attributes, where there are several kinds.
        splits: name → what is in it.
        floors: name of a test split, or of a draw → its floors.
        notes: what is to be said about the numbers.
    """

    name: str
    where: str
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    attribute_groups: dict[str, int]
    splits: dict[str, SplitStats]
    floors: dict[str, Floors]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "name": self.name,
            "where": self.where,
            "splits": {
                name: {
                    "videos": split.videos,
                    "unannotated": split.unannotated,
                    "classes": dict(zip(self.class_names, split.classes, strict=True)),
                    "attributes": dict(zip(self.attribute_names, split.attributes, strict=True)),
                    **split.amounts,
                }
                for name, split in self.splits.items()
            },
            "floors": {
                name: floors.as_dict(self.attribute_names, self.attribute_groups)
                for name, floors in self.floors.items()
            },
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        parts = [
            f"{self.name} in {self.where}: {sum(s.videos for s in self.splits.values())} videos, "
            f"{len(self.class_names)} classes, {len(self.attribute_names)} private attributes",
            self._amounts(),
            self._classes(),
            self._attributes(),
            *(
                self._floors(name, floors)
                for name, floors in self.floors.items()
                if len(self.floors) <= _MOST_FLOORS
            ),
            "\n".join(self.notes),
        ]
        return "\n\n".join(part for part in parts if part)

    def _amounts(self) -> str:
        rows = [["split", "", "smallest", "5 %", "median", "95 %", "largest", "sum"]]
        for name, split in self.splits.items():
            for amount, values in split.amounts.items():
                rows.append([name, amount, *(f"{value:,.6g}" for value in values.values())])
        return text_table(rows) if len(rows) > 1 else ""

    def _classes(self) -> str:
        totals = [sum(s.classes[i] for s in self.splits.values()) for i in self._indices()]
        order = sorted(self._indices(), key=lambda i: (-totals[i], i))
        shown = [i for i in order if totals[i]]
        rows = [["class", *self.splits]]
        head, tail = shown[: _MOST_ROWS // 2], shown[_MOST_ROWS // 2 :][-_MOST_ROWS // 2 :]
        for i in head + tail:
            rows.append([self.class_names[i], *(str(s.classes[i]) for s in self.splits.values())])
        table = text_table(rows)
        left = len(shown) - len(head + tail)
        lines = [f"({left} classes between the most and the least frequent ones)"] if left else []
        if len(shown) < len(order):
            lines.append(f"({len(order) - len(shown)} classes without a video)")
        return "\n".join([table, *lines])

    def _indices(self) -> range:
        return range(len(self.class_names))

    def _attributes(self) -> str:
        if not self.attribute_names:
            return ""
        names = self.attribute_names[:_MOST_ROWS]
        rows = [["attribute", *(f"share in {name}" for name in self.splits)]]
        for i, name in enumerate(names):
            shares = (split.attributes[i] for split in self.splits.values())
            rows.append([name, *("-" if share is None else f"{share:.3f}" for share in shares)])
        unannotated = {name: s.unannotated for name, s in self.splits.items() if s.unannotated}
        lines = [text_table(rows)]
        if len(names) < len(self.attribute_names):
            lines.append(f"(and {len(self.attribute_names) - len(names)} more: see --json)")
        lines += [f"{count} videos of {name} unannotated" for name, count in unannotated.items()]
        return "\n".join(lines)

    def _floors(self, name: str, floors: Floors) -> str:
        lines = [f"floors on {name}: {floors.test} videos, rates from {floors.train} others"]
        if floors.majority_top_1 is not None:
            lines.append(f"  top-1 of the most frequent action: {100 * floors.majority_top_1:.1f}")
        if floors.uniform_top_1 is not None:
            lines.append(f"  top-1 of a random action: {100 * floors.uniform_top_1:.1f}")
        if floors.chance_action_cmap is not None:
            lines.append(f"  cMAP of the actions, by chance: {100 * floors.chance_action_cmap:.1f}")
        said = {
            "chance": "cMAP of seeing nothing",
            "all_positive": 'F1 of always saying "present"',
            "action_only": "cMAP of seeing the true action alone",
        }
        names = self.attribute_names if len(self.attribute_names) <= _MOST_ROWS else ()
        rows = [["", "mean", *self.attribute_groups, *names]]
        for key, metric, score in floors.rows():
            if score is None or score.mean is None:
                continue
            scale, form = (100, ".1f") if metric == "cmap" else (1, ".3f")
            values = [score.mean, *by_group(score, self.attribute_groups).values()]
            values += score.values if names else ()
            cells = ("-" if value is None else f"{scale * value:{form}}" for value in values)
            rows.append([said[key], *cells])
        return "\n".join([*lines, *([text_table(rows, "  ")] if len(rows) > 1 else [])])
