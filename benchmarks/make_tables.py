"""Writes the tables of README and docs from what was measured.

    python benchmarks/make_tables.py            # writes them anew
    python benchmarks/make_tables.py --check    # says which are not up to date, and ends with 1

A table stands between two lines of its file:

    <!-- table: motion_digits_demo -->
    <!-- end of table -->

Its name is one of `TABLES`, a function that reads files of `benchmarks/results/`.
"""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path

from result_tables.budgets import budgets, longer
from result_tables.demo import motion_digits_attributes, motion_digits_demo
from result_tables.directions import directions
from result_tables.label_floors import label_floors
from result_tables.marks import marks
from result_tables.phase_two import gates, opponents, word_reader
from result_tables.repeat import repeat
from result_tables.speed import each_backend, full_size, step_time
from result_tables.systems import stprivacy_seeds, systems, systems_short
from result_tables.train_folder import train_folder

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_MARKED = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)
TABLES: dict[str, Callable[[Path], str]] = {
    "motion_digits_demo": motion_digits_demo,
    "motion_digits_attributes": motion_digits_attributes,
    "systems_known": systems,
    "systems_short": systems_short,
    "systems_quick": functools.partial(systems, name="quick"),
    "deployment": functools.partial(systems, name="deployment"),
    "ablations": functools.partial(systems, name="ablations"),
    "budgets": budgets,
    "longer": longer,
    "stprivacy_seeds": stprivacy_seeds,
    "marks": marks,
    "repeat_known": repeat,
    "gates": gates,
    "opponents": opponents,
    "word_reader": word_reader,
    "directions": directions,
    "label_floors": label_floors,
    "train_folder": train_folder,
    "step_time": step_time,
    "full_size": full_size,
    "real_clips": each_backend,
    "embedded_clips": functools.partial(each_backend, clips="embedded"),
}


def filled(text: str, results: Path = RESULTS) -> str:
    """A text of Markdown with every table between marks made anew.

    Raises:
        KeyError: if a table has no such name.
        FileNotFoundError: if what it is made of was not measured.
    """

    def table(match: re.Match) -> str:
        name = match.group(2)
        if name not in TABLES:
            raise KeyError(f"no table is named {name!r}. There are: {', '.join(TABLES)}")
        return f"{match.group(1)}{TABLES[name](results)}\n{match.group(4)}"

    return _MARKED.sub(table, text)


def documents(root: Path = ROOT) -> list[Path]:
    """The files that may hold tables."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def main(arguments: list[str]) -> int:
    stale = []
    for path in documents():
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.write_text(new, encoding="utf-8")
    for path in stale:
        print(
            f"{path.relative_to(ROOT)}: {'not up to date' if '--check' in arguments else 'written'}"
        )
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
