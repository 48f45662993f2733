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

    Threads are counted by what the environment says, where it says something.

    Args:
        plan: which `plan_here` returns in each of them.
        workers: how many, at least 2.

    Yields:
        The executor. What is not begun when the block ends is not done any more.
    """
    wanted = {**_ONE_THREAD, "KERAS_BACKEND": keras.backend.backend()}
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    settings = (keras.config.floatx(), keras.config.dtype_policy().name)
    others = multiprocessing.active_children()
    os.environ.update(missing)  # a process reads these as it starts
    try:
        pool = concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), _start, (plan, *settings)
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


def _start(plan: Plan, floatx: str, dtype_policy: str) -> None:
    global _plan
    _plan = plan
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(dtype_policy)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent cannot tell: its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
