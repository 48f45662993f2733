"""What the paper reports (Li et al., ICCV 2023, Tables 1-5): quoted, never measured here.

Action top-1 and cMAP are percent, F1 is 0 to 1, as printed there. They belong to the paper's
datasets, networks and attackers, and stand beside measured numbers for comparison alone.
"""

from __future__ import annotations

import dataclasses

SOURCE = "Li et al., STPrivacy, ICCV 2023"


@dataclasses.dataclass(frozen=True)
class QuotedTable:
    """A table of the paper.

    Attributes:
        title: what it is of.
        columns: headings.
        rows: name of a system -> its numbers, in the order of `columns`.
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


_USUAL = ("top-1 %", "F1", "cMAP %")
_SYSTEMS = (
    "raw",
    "downsample_2x",
    "downsample_4x",
    "blacken",
    "strong_blur",
    "weak_blur",
    "collective",
    "vita",
    "spact",
    "stprivacy",
)
_LEARNED = _SYSTEMS[6:]
_FACES = tuple(name for name in _SYSTEMS if name != "blacken")


def _table(
    title: str, systems: tuple[str, ...], numbers: str, columns: tuple[str, ...] = _USUAL
) -> QuotedTable:
    rows = [tuple(map(float, row.split("/"))) for row in numbers.split(";")]
    return QuotedTable(title, columns, dict(zip(systems, rows, strict=True)))


QUOTED: dict[str, tuple[QuotedTable, ...]] = {
    "known": (
        _table(
            "VP-HMDB51, known actions",
            _SYSTEMS,
            "51.44/.673/75.58; 40.80/.601/71.35; 31.32/.594/69.79; 38.27/.649/74.06; "
            "40.91/.655/74.33; 47.24/.663/75.11; 46.88/.651/74.12; 48.11/.638/73.89; "
            "48.56/.642/73.78; 50.73/.613/72.48",
        ),
        _table(
            "VP-UCF101, known actions",
            _SYSTEMS,
            "84.20/.684/76.62; 72.79/.620/71.49; 56.07/.615/69.85; 69.41/.660/75.37; "
            "73.94/.672/75.58; 77.31/.678/76.03; 78.01/.663/75.22; 78.49/.657/75.36; "
            "78.40/.651/75.29; 82.55/.634/73.79",
        ),
    ),
    "unseen": (
        _table(
            "unseen actions, UCF101 to HMDB51",
            _LEARNED,
            "45.93/.633/73.36; 46.78/.621/73.47; 47.81/.618/72.56; 49.56/.595/71.25",
        ),
        _table(
            "unseen actions, HMDB51 to UCF101",
            _LEARNED,
            "77.12/.674/76.01; 77.48/.669/76.02; 78.13/.661/75.98; 81.04/.645/74.60",
        ),
    ),
    "frames": (
        _table(
            "PA-HMDB51, frames",
            _SYSTEMS,
            "51.23/.572/71.12; 40.38/.519/67.81; 31.24/.511/67.14; 38.09/.557/70.02; "
            "40.64/.560/70.31; 46.89/.567/70.74; 46.47/.554/69.96; 47.78/.549/69.45; "
            "48.33/.543/69.44; 50.61/.523/68.76",
        ),
    ),
    "fapder": (
        _table(
            "CelebV-HQ, expressions (FAPDER)",
            _FACES,
            "73.13/.714/78.51; 54.53/.259/54.33; 41.67/.244/47.17; 56.77/.331/63.61; "
            "64.22/.369/64.19; 63.65/.348/63.20; 66.43/.314/61.09; 67.12/.326/62.78; "
            "71.37/.280/59.30",
        ),
    ),
    "ospar": (
        _table(
            "P-HVU (OSPAR)",
            _SYSTEMS,
            "27.28/15.72/30.18; 17.08/11.74/24.77; 15.23/10.66/22.40; 18.51/14.89/29.59; "
            "19.08/15.01/29.32; 21.67/14.37/28.68; 22.20/14.27/28.79; 22.87/14.44/27.76; "
            "23.16/14.02/28.59; 26.42/12.38/25.64",
            ("action cMAP %", "object cMAP %", "scene cMAP %"),
        ),
    ),
}
