"""What is said where weights that Keras downloads cannot be had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def downloaded(setting: str, value: str | None) -> Iterator[None]:
    """Names the setting that asked for weights where they cannot be had.

    Args:
        setting: its name.
        value: None where no weights are asked for.

    Raises:
        ValueError: in place of what Keras raises where a download fails. A ValueError, which says
            itself what does not fit, stays.

    Example:

    >>> with downloaded("privacy_weights", "imagenet"):
    ...     raise OSError("the disk is full")
    Traceback (most recent call last):
    ...
    ValueError: the weights that privacy_weights="imagenet" asks for could not be had ... scratch
    """
    try:
        yield
    except ValueError:
        raise
    except Exception as error:  # Keras raises bare exceptions where a download fails
        if value is None:
            raise
        raise ValueError(
            f'the weights that {setting}="{value}" asks for could not be had ({error}). Let Keras '
            f"reach the network once, or pass {setting}=None: from scratch"
        ) from error
