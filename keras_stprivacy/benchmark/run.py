"""Runs a plan: cells that are finished are read, the others measured."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import pathlib
import time
from collections.abc import Callable, Iterator

from keras_stprivacy.baselines import system_class
from keras_stprivacy.benchmark.cell_run import measure, recognizers_missing
from keras_stprivacy.benchmark.cells import CELLS, RECOGNIZERS, SYSTEMS, CellStore
from keras_stprivacy.benchmark.environment import arithmetic
from keras_stprivacy.benchmark.plan import RAW, Plan
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.summary import Cells, summarize
from keras_stprivacy.benchmark.variant import Variant, fingerprint
from keras_stprivacy.benchmark.workers import Here, plan_here, processes
from keras_stprivacy.data.parts import remove_parts
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION

# What one system may fail with, while the others can still be measured. A full disk, another
# OSError, is one for all of them.
_OF_A_SYSTEM = (
    ValueError,
    TypeError,
    RuntimeError,
    FloatingPointError,
    ImportError,
    MemoryError,
    FileNotFoundError,
)


class BrokenWorkersError(RuntimeError):
    """A process of a benchmark ended before its cell was measured."""


def run(
    plan: Plan,
    out: str | os.PathLike,
    progress: Callable[[str], None] | None = None,
    verbose: int = 0,
) -> BenchmarkReport:
    """Measures what is not measured yet, and reports on all cells.

    Cells stand in `out/cells`, a file each. A run that was broken off goes on where it was when it
    is started again with the same arguments; other settings or data make other cells, which may
    stand in the same folder. Files that a killed run had not finished are removed.

    With `Settings.workers` above 1, so many processes measure cells side by side.

    Args:
        plan: of the benchmark.
        out: folder for cells and trained systems.
        progress: called with a line about every cell.
        verbose: 1 shows the progress of each cell on standard error.

    Returns:
        The report. A system that cannot be measured stands in its `failures`, with the reason.
        `settings["run_seconds"]` is how long the call took, where nothing was there before it.

    Raises:
        Exception: if raw clips cannot be measured, against which all others are; mostly a
            ValueError.
        OSError: if `out` cannot be written.
        BrokenWorkersError: if a worker process was killed, or could not start.
    """
    began = time.monotonic()
    folder = pathlib.Path(out)
    remove_parts(folder)
    fresh = not any((folder / name).is_dir() for name in (CELLS, RECOGNIZERS, SYSTEMS))
    session = _Session(plan, folder, progress or (lambda line: None), verbose)
    workers = plan.settings.workers
    if not session.waiting:
        pass
    elif workers > 1:
        with processes(plan, workers) as executor:
            session.work(executor, workers, plan_here)
    else:
        with Here() as executor:
            session.work(executor, 1, lambda: plan)
    # In the order of the plan, whichever was finished first.
    cells = {key: session.cells[key] for key in session.names if key in session.cells}
    report = summarize(plan, cells, session.failures)
    report.settings["run_seconds"] = round(time.monotonic() - began, 1) if fresh else None
    return report


class _Session:
    """What one call of `run` has to do, and what it has done."""

    def __init__(self, plan: Plan, folder: pathlib.Path, tell: Callable, verbose: int) -> None:
        self.plan, self.folder, self.tell, self.verbose = plan, folder, tell, verbose
        self.cells: Cells = {}
        self.failures: dict[str, str] = {}
        self.names: dict[tuple[str, int], str] = {}
        self.store = CellStore(folder / CELLS)
        self.known = {
            variant.id: fingerprint({**plan.of_cell(variant), **arithmetic()})
            for variant in plan.variants
        }
        self.running: dict[concurrent.futures.Future, tuple[int, list[Variant]]] = {}
        # Seed by seed, so that a run that is stopped early has compared all systems; what takes
        # long before the rest, so that workers end together. Variants that share a trained system
        # are measured one after the other: the first one trains it.
        self.waiting: list[tuple[int, list[Variant]]] = []
        self._find_waiting()

    def _find_waiting(self) -> None:
        total = len(self.plan.variants) * self.plan.settings.seeds
        preset = self.plan.learned_from.preset
        for seed in range(self.plan.settings.seeds):
            sharing: dict[str, list[Variant]] = {}
            for variant in self.plan.variants:
                key = variant.id, seed
                number = len(self.names) + 1
                self.names[key] = f"{variant.label}, seed {seed} ({number} of {total})"
                cell = self.store.read(variant.id, seed, self.known[variant.id])
                if variant.id == RAW and recognizers_missing(self.plan, seed, self.folder):
                    cell = None  # others are measured with them
                if cell is None:
                    sharing.setdefault(fingerprint(variant.of_fit(preset)), []).append(variant)
                else:
                    self.tell(f"{self.names[key]}: finished before")
                    self.cells[key] = cell
            groups = [(seed, variants) for variants in sharing.values()]
            self.waiting += sorted(groups, key=_turn)

    def work(self, executor: concurrent.futures.Executor, workers: int, plan_of: Callable) -> None:
        """Measures all that waits.

        Raises:
            Exception: if raw clips cannot be measured.
            OSError: if the folder cannot be written.
        """
        rebuilds = RECONSTRUCTION in self.plan.settings.attackers
        while self.waiting or self.running:
            for group in list(self.waiting):
                if len(self.running) == workers:
                    break
                seed, (variant, *others) = group
                if rebuilds and variant.id != RAW and (RAW, seed) not in self.cells:
                    continue  # rebuilt clips are shown to the recognizers of raw ones
                self.waiting.remove(group)
                if variant.id in self.failures:
                    self.waiting += [(seed, others)] if others else []
                    continue
                self.tell(f"{self.names[variant.id, seed]}: running")
                with self._explained():
                    task = executor.submit(
                        _measured,
                        plan_of,
                        variant,
                        seed,
                        self.folder,
                        self.verbose,
                        self.store,
                        self.known[variant.id],
                    )
                self.running[task] = group
            done, _ = concurrent.futures.wait(
                self.running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for task in done:
                seed, (variant, *others) = self.running[task]
                self._finish(task, variant, seed)
                del self.running[task]
                # The system that they share is trained now: nothing is left to wait for.
                trained = (variant.id, seed) in self.cells
                left = [(seed, [other]) for other in others] if trained else [(seed, others)]
                self.waiting[:0] = left if others else []

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except concurrent.futures.BrokenExecutor as error:
            names = sorted(
                self.names[variant.id, seed] for seed, (variant, *_) in self.running.values()
            )
            raise BrokenWorkersError(
                "a process that measured cells has ended; these were being measured: "
                f"{', '.join(names)}. What is finished stands. Perhaps memory was "
                "short: start again with fewer workers. In a script, the call must stand under "
                'if __name__ == "__main__":, since every process reads the script.'
            ) from error

    def _finish(self, task: concurrent.futures.Future, variant: Variant, seed: int) -> None:
        name = self.names[variant.id, seed]
        try:
            with self._explained():
                task.result()
        except BrokenWorkersError:
            raise
        except Exception as error:
            if variant.id == RAW or not _of_a_system(error):
                raise
            self.failures[variant.id] = f"{type(error).__name__}: {error}"
            self.tell(f"{name}: failed: {self.failures[variant.id]}")
            return
        cell = self.store.read(variant.id, seed, self.known[variant.id])
        if cell is None:
            path = self.store.path(variant.id, seed, self.known[variant.id])
            raise OSError(f"{name} was measured, but {path} does not hold it")
        self.cells[variant.id, seed] = cell
        self.tell(f"{name}: {sum(cell['seconds'].values()):.0f} s")


def _of_a_system(error: Exception) -> bool:
    """Whether an error says something of one system alone; those of TensorFlow have no base."""
    return isinstance(error, _OF_A_SYSTEM) or type(error).__module__.startswith("tensorflow")


def _turn(group: tuple[int, list[Variant]]) -> int:
    first = group[1][0]
    if first.id == RAW:
        return 0
    return 1 if system_class(first.system).learns else 2


def _measured(
    plan_of: Callable[[], Plan],
    variant: Variant,
    seed: int,
    folder: pathlib.Path,
    verbose: int,
    store: CellStore,
    known: str,
) -> None:
    """Measures a cell and writes it; in whichever process."""
    store.write(variant.id, seed, known, measure(plan_of(), variant, seed, folder, verbose))
