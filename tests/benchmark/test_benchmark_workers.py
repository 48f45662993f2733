"""How cells are shared out among workers, with measurements that cost nothing."""

import concurrent.futures
import dataclasses
import os
import pathlib
import pickle
import threading
import time

import numpy as np
import pytest

from keras_stprivacy.benchmark import Settings
from keras_stprivacy.benchmark import run as run_module
from keras_stprivacy.benchmark.data import actions_between, load_data
from keras_stprivacy.benchmark.embedded_tags import with_tags
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.reopened import MappedBatches, Reopened
from keras_stprivacy.benchmark.run import BrokenWorkersError, _Session
from keras_stprivacy.benchmark.variant import Variant, system_variants
from keras_stprivacy.benchmark.workers import processes
from keras_stprivacy.data.errors import AddressError, ShardError, VideoDecodeError, VideoLimitError

pytestmark = pytest.mark.any_backend
ATTACKERS = ("linear_probe", "reconstruction")
SETTINGS = Settings(seeds=2, train_clips=16, test_clips=16, attackers=ATTACKERS, workers=2)


def _plan(variants, seeds=2):
    data = load_data("motion-digits", SETTINGS)
    return Plan("known", variants, data, data, dataclasses.replace(SETTINGS, seeds=seeds))


@pytest.fixture
def measured(monkeypatch):
    """What was begun, in order; `hold` keeps a cell until it is set, `fail` lets it fail."""

    class Measured(list):
        hold: dict = {}
        fail: dict = {}

    record, lock = Measured(), threading.Lock()
    record.hold, record.fail = {}, {}

    def measure(plan, variant, seed, folder, verbose):
        with lock:
            record.append((variant.id, seed))
        record.hold.get((variant.id, seed), _SET).wait(30)
        if variant.id in record.fail:
            raise record.fail[variant.id]
        return {"variant": variant.id, "seed": seed, "seconds": {"test": 1.0}}

    monkeypatch.setattr(run_module, "measure", measure)
    monkeypatch.setattr(run_module, "recognizers_missing", lambda plan, seed, folder: False)
    return record


_SET = threading.Event()
_SET.set()


def _work(plan, folder, lines=None):
    session = _Session(plan, folder, (lines if lines is not None else []).append, 0)
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        session.work(executor, 2, lambda: plan)
    return session


def test_raw_clips_of_a_seed_come_before_its_other_cells(tmp_path, measured):
    first = measured.hold["raw", 0] = threading.Event()
    threading.Timer(0.5, first.set).start()
    session = _work(_plan(system_variants(["blacken", "weak_blur"])), tmp_path)
    # While raw clips of seed 0 were measured, the other worker had those of seed 1, and then what
    # needs these alone.
    assert set(measured[:2]) == {("raw", 0), ("raw", 1)}
    assert {seed for name, seed in measured[2:4]} == {1}
    assert len(measured) == len(set(measured)) == len(session.cells) == 6
    again = _work(_plan(system_variants(["blacken", "weak_blur"])), tmp_path)
    assert len(measured) == 6 and again.cells.keys() == session.cells.keys()


def test_nobody_waits_for_raw_clips_where_nothing_is_rebuilt(tmp_path, measured):
    raw = measured.hold["raw", 0] = threading.Event()
    threading.Timer(0.5, raw.set).start()
    plan = _plan(system_variants(["blacken", "weak_blur"]), seeds=1)
    plan = dataclasses.replace(
        plan, settings=dataclasses.replace(plan.settings, attackers=("linear_probe",))
    )
    session = _work(plan, tmp_path)
    assert measured == [("raw", 0), ("blacken", 0), ("weak_blur", 0)]
    assert next(reversed(session.cells)) == ("raw", 0)  # the last to end


def test_who_shares_a_trained_system_waits_for_the_first(tmp_path, measured):
    shared = tuple(
        Variant(f"keep-{ratio}", "stprivacy", "STPrivacy", keep_ratio=ratio)
        for ratio in (1.0, 0.7, 0.5)
    )
    first = measured.hold["keep-1.0", 0] = threading.Event()
    threading.Timer(0.5, first.set).start()
    _work(_plan(shared, seeds=1), tmp_path)
    assert measured[:2] == [("raw", 0), ("keep-1.0", 0)] and len(measured) == 4


class ExhaustedError(Exception):
    """As TensorFlow's of this kind, which no built-in error is a base of."""

    __module__ = "tensorflow.python.framework.errors_impl"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no boxes"),
        TypeError("an unexpected keyword"),
        MemoryError("too large"),
        FileNotFoundError(2, "No such file or directory", "vit.npz"),
        ExhaustedError("OOM when allocating tensor"),
    ],
)
def test_a_system_that_fails_leaves_the_others(error, tmp_path, measured):
    measured.fail["blacken"] = error
    lines = []
    session = _work(_plan(system_variants(["blacken", "weak_blur"])), tmp_path, lines)
    said = f"{type(error).__name__}: {error}"
    assert session.failures == {"blacken": said}
    assert {name for name, _ in session.cells} == {"raw", "weak_blur"}
    assert any(f"failed: {said}" in line for line in lines)


@pytest.mark.parametrize(
    ("who", "error", "kind"),
    [
        ("raw", ValueError("empty"), ValueError),
        ("raw", MemoryError("too large"), MemoryError),
        ("weak_blur", OSError("disk full"), OSError),
        ("weak_blur", PermissionError("not writable"), OSError),
        ("weak_blur", concurrent.futures.BrokenExecutor(), BrokenWorkersError),
    ],
)
def test_what_ends_a_run(tmp_path, measured, who, error, kind):
    measured.fail[who] = error
    message = "Weak.*fewer workers.*__main__" if kind is BrokenWorkersError else str(error)
    with pytest.raises(kind, match=message):
        _work(_plan(system_variants(["weak_blur"])), tmp_path)


@pytest.fixture
def two_processors():
    """Two or more that this process may use, also where it was given only one."""
    if not hasattr(os, "sched_setaffinity") or os.cpu_count() < 2:
        pytest.skip("no two processors that a process can choose between")
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()))
    yield os.sched_getaffinity(0)
    os.sched_setaffinity(0, own)


def where_it_runs(folder, number):
    """Processors of all threads, once both workers are here."""
    (folder / str(number)).touch()
    end = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    threads = [int(path.name) for path in pathlib.Path("/proc/self/task").iterdir()]
    return os.getpid(), set().union(*map(os.sched_getaffinity, threads)), dict(os.environ)


def test_each_worker_keeps_to_its_processors_and_its_memory(tmp_path, two_processors):
    with processes(_plan(system_variants(["blacken"])), 2) as pool:
        places = [pool.submit(where_it_runs, tmp_path, number) for number in range(2)]
        (one, its, environment), (other, others, _) = [place.result(120) for place in places]
    assert one != other
    assert its and others and not its & others and its | others == two_processors
    assert environment["OMP_NUM_THREADS"] == "1" and environment["MALLOC_ARENA_MAX"] == "1"
    assert "MALLOC_ARENA_MAX" not in os.environ


def test_a_plan_reaches_another_process():
    data = load_data("motion-digits", SETTINGS)
    tagged = pickle.loads(pickle.dumps(with_tags(data)))
    np.testing.assert_array_equal(tagged.train[0], data.train.clips)
    batches = Reopened(one_batch)
    parted = dataclasses.replace(data, train=batches, test=MappedBatches(batches, doubled))
    part = pickle.loads(pickle.dumps(actions_between(parted, 0, 4)))
    assert [clips.tolist() for clips, _ in part.train] == [[1]]
    assert [clips.tolist() for clips, _ in part.test] == [[2]]


def one_batch():
    """A dataset of one batch, of an action that is among the first four and one that is not."""
    return [(np.array([1, 5]), {"action": np.array([2, 6])})]


def doubled(clips, labels):
    return 2 * clips, labels


@pytest.mark.parametrize(
    "error",
    [
        ShardError("a/b.tfrecord", 3, "is damaged"),
        ShardError("a/b.tfrecord", None, "is missing"),
        AddressError("gs://bucket/a", "denied"),
        VideoDecodeError("a.mp4", "is none"),
        VideoLimitError("a.mp4", "is too long"),
    ],
)
def test_errors_reach_the_process_that_asked(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and vars(again) == vars(error)
