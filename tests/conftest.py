"""What every test shares: the backend under test, the place of the real clips, quiet libraries."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


if os.environ["KERAS_BACKEND"] == "jax":
    # These tests compile much and compute little.
    FLAGS = (
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
        "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    )
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf

    # So do these, and two processes share the cores.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
if os.environ["KERAS_BACKEND"] == "torch":
    import torch

    torch.set_num_threads(1)  # more are slower on clips as small as those of the tests


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "any_backend: is the same on any Keras backend; runs once, not once a backend"
    )


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Real clips and reference numbers, kept beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the real clips and reference numbers are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def backend() -> str:
    """Name of the Keras backend under test."""
    import keras

    return keras.backend.backend()
