"""Where the cells of a benchmark are measured: in this process, or in several at once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_stprivacy.benchmark.plan import Plan

# One thread for each process: they would only get in each other's way.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
# The C library (glibc; others do not look at these) gives memory back to the system and asks for it
# again in every training step, which took up to a third of a worker's time. So it keeps it.
_KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # the most that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
}
_plan: Plan | None = None


class Here(concurrent.futures.Executor):
    """Does what it is given at once, in this process.

    Example:

    >>> with Here() as here:
    ...     here.submit(max, 1, 2).result()
    2
    """

    def submit(self, work: Callable, /, *args: Any, **kwargs: Any) -> concurrent.futures.Future:
        future: concurrent.futures.Future = concurrent.futures.Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextlib.contextmanager
def processes(plan: Plan, workers: int) -> Iterator[concurrent.futures.Executor]:
    """Processes that have the plan, with one thread each, as an executor.

    Threads are counted by what the environment says, where it says something. Each process keeps to
    its share of the processors, where there is one for each and the system lets a process choose:
    left to the system, two of them were seen on one processor for minutes, beside an idle one.

    Args:
        plan: which `plan_here` returns in each of them.
        workers: how many, at least 2.

    Yields:
        The executor. What is not begun when the block ends is not done any more.
    """
    wanted = {**_ONE_THREAD, **_KEEP_MEMORY, "KERAS_BACKEND": keras.backend.backend()}
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    settings = (keras.config.floatx(), keras.config.dtype_policy().name)
    others = multiprocessing.active_children()
    context = multiprocessing.get_context("spawn")
    shares = context.SimpleQueue()
    for number in range(workers):
        shares.put(_share(number, workers))
    os.environ.update(missing)  # a process reads these as it starts
    try:
        pool = concurrent.futures.ProcessPoolExecutor(
            workers, context, _start, (plan, shares, *settings)
        )
        try:
            yield pool
        except BaseException:
            for process in multiprocessing.active_children():
                if process not in others:
                    process.terminate()  # cells are whole or not there
            raise
        finally:
            pool.shutdown(cancel_futures=True)
    finally:
        for name in missing:
            del os.environ[name]


def plan_here() -> Plan:
    """The plan that this process was started with."""
    assert _plan is not None
    return _plan


def _share(number: int, workers: int) -> set[int] | None:
    """The processors of one of these workers; None where it cannot have its own."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    processors = sorted(os.sched_getaffinity(0))
    return set(processors[number::workers]) if workers <= len(processors) else None


def _start(plan: Plan, shares: Any, floatx: str, dtype_policy: str) -> None:
    global _plan
    _plan = plan
    share = shares.get()
    if share is not None:
        _keep_to(share)
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(dtype_policy)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _keep_to(processors: set[int]) -> None:
    """Lets this process run on these alone; where the system refuses, it is slower, no more."""
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, processors)
        for thread in os.listdir("/proc/self/task"):  # libraries have begun some already
            with contextlib.suppress(OSError):  # of one that has just ended
                os.sched_setaffinity(int(thread), processors)


def _end_with_parent() -> None:
    """A killed parent cannot tell: its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
