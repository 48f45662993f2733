"""PyTorch's random numbers: its data loaders draw some whenever one begins."""

import contextlib

import torch


def backend_state_kept() -> contextlib.AbstractContextManager:
    """Puts the state of all of PyTorch's generators back afterwards."""
    return torch.random.fork_rng(devices=range(torch.cuda.device_count()))
