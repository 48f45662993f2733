"""The result of a benchmark, and the forms that it can be given."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import pathlib
from typing import Any

import numpy as np

from keras_stprivacy.benchmark.estimates import Difference, SeedEstimate
from keras_stprivacy.benchmark.quoted import QuotedTable
from keras_stprivacy.evaluation.report import plain, written

FORMAT_VERSION = 2  # 1: a row had one curve and a dial


@dataclasses.dataclass
class BenchmarkRow:
    """One system, or one floor, with all its scores.

    Attributes:
        id: unique in the benchmark.
        label: how tables call it.
        kind: "system" or "floor".
        scores: "top_1", "top_5", "action_cmap", "cmap", "f1", "auroc", "leakage" (of AP, from
            chance to raw clips), "leakage_action" (of AP, from action-only to raw clips), and
            "cmap_..." of each kind of attribute; those that do not apply are absent.
        attributes: attribute -> its "ap", "auroc", "f1" and both kinds of leakage.
        attackers: each attacker by itself -> its scores, and "reconstruction" with "psnr", "ssim".
        system: name of the system.
        curves: name of a curve -> place on it; several rows are places of one curve.
        strongest: for each seed, attribute -> the attacker that was chosen.
        tests: other system -> score -> paired difference, this one minus the other.
        parameters: of the network that transforms.
        kept_share: of the tubelets.
        boxes: frames with and without person boxes.
        seconds: step -> mean over seeds.
        leakage_samples: bootstrap samples (R,) of the leakage.
    """

    id: str
    label: str
    kind: str
    scores: dict[str, SeedEstimate]
    attributes: dict[str, dict[str, SeedEstimate]]
    attackers: dict[str, dict[str, SeedEstimate]]
    system: str | None = None
    curves: dict[str, float] = dataclasses.field(default_factory=dict)
    strongest: list[dict[str, str]] = dataclasses.field(default_factory=list)
    tests: dict[str, dict[str, Difference]] = dataclasses.field(default_factory=dict)
    parameters: int | None = None
    kept_share: float | None = None
    boxes: dict[str, Any] | None = None
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    leakage_samples: np.ndarray | None = None


@dataclasses.dataclass
class BenchmarkReport:
    """Systems beside each other, each attacked alike.

    `str(report)` is a table for a terminal.

    Attributes:
        protocol: its name.
        rows: systems, then floors.
        attribute_names: the private attributes.
        class_names: the actions.
        groups: kind of attribute -> how many; may be empty.
        reference: the system that the tests in tables are against.
        prevalence: attribute -> share of the test videos, or frames, that have it.
        settings: everything that the numbers depend on.
        failures: systems that could not be measured, or not with every seed -> why.
        notes: what a reader must know, in plain words.
        quoted: the paper's own tables.
        pictures: (id, label, clips) of each system, a clip being a caption and rows of frames.
    """

    protocol: str
    rows: list[BenchmarkRow]
    attribute_names: tuple[str, ...]
    class_names: tuple[str, ...]
    groups: dict[str, int]
    reference: str
    prevalence: dict[str, float]
    settings: dict[str, Any]
    failures: dict[str, str]
    notes: list[str]
    quoted: tuple[QuotedTable, ...] = ()
    pictures: list[tuple[str, str, list[dict[str, Any]]]] = dataclasses.field(default_factory=list)

    def __getitem__(self, name: str) -> BenchmarkRow:
        """The row of that id.

        Raises:
            KeyError: if there is none.
        """
        for row in self.rows:
            if row.id == name:
                return row
        raise KeyError(f"no row is named {name!r}. There are: {[row.id for row in self.rows]}")

    def __str__(self) -> str:
        from keras_stprivacy.benchmark.report_text import render_text

        return render_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but the pictures, in types that JSON knows; undefined is None."""
        rows = []
        for row in self.rows:
            content = dataclasses.asdict(dataclasses.replace(row, leakage_samples=None))
            content.pop("leakage_samples")
            rows.append(content)
        return plain(
            {
                "format_version": FORMAT_VERSION,
                "protocol": self.protocol,
                "rows": rows,
                "attribute_names": self.attribute_names,
                "class_names": self.class_names,
                "groups": self.groups,
                "reference": self.reference,
                "prevalence": self.prevalence,
                "settings": self.settings,
                "failures": self.failures,
                "notes": self.notes,
                "quoted": [dataclasses.asdict(table) for table in self.quoted],
            }
        )

    def to_json(self, path: str | os.PathLike | None = None) -> str:
        """Returns the report as JSON, and writes it to `path` if one is given."""
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        return written(text, path)

    def to_csv(self, path: str | os.PathLike | None = None) -> str:
        """Returns one line a number, and writes them to `path` if one is given.

        The columns are row, kind, attacker (empty for the headline), attribute (empty for means),
        score, value, low, high, sd; undefined numbers are empty.
        """
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(
            ["row", "kind", "attacker", "attribute", "score", "value", "low", "high", "sd"]
        )
        for row in self.rows:
            parts = [("", "", row.scores)]
            parts += [("", attribute, scores) for attribute, scores in row.attributes.items()]
            parts += [(attacker, "", scores) for attacker, scores in row.attackers.items()]
            for attacker, attribute, scores in parts:
                for name, one in scores.items():
                    ends = (one.value, one.low, one.high, one.sd)
                    numbers = ["" if x is None else f"{x:.6f}" for x in ends]
                    writer.writerow([row.id, row.kind, attacker, attribute, name, *numbers])
        return written(buffer.getvalue(), path)

    def to_markdown(self, path: str | os.PathLike | None = None) -> str:
        """Returns the tables and notes as Markdown, and writes them to `path` if one is given."""
        from keras_stprivacy.benchmark.report_markdown import render_markdown

        return written(render_markdown(self), path)

    def to_html(self, path: str | os.PathLike) -> None:
        """Writes one page that needs no other file: plot, tables, pictures, settings, notes."""
        from keras_stprivacy.benchmark.report_html import render_html

        written(render_html(self), path)

    def save(self, folder: str | os.PathLike) -> list[pathlib.Path]:
        """Writes report.json, report.csv, report.md and report.html to a folder.

        Returns:
            The four paths.
        """
        paths = [pathlib.Path(folder) / f"report.{end}" for end in ("json", "csv", "md", "html")]
        self.to_json(paths[0])
        self.to_csv(paths[1])
        self.to_markdown(paths[2])
        self.to_html(paths[3])
        return paths
