"""Arrays inside JSON: exact, and small enough for thousands of numbers."""

import base64
import zlib
from typing import Any

import numpy as np


def pack(array: np.ndarray) -> dict[str, Any]:
    """An array as JSON holds it: its type, shape and bytes (zlib, base64).

    Example:

    >>> unpack(pack(np.array([[0.5, 1.0]], "float32"))).tolist()
    [[0.5, 1.0]]
    """
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "zlib": data}


def unpack(content: dict[str, Any]) -> np.ndarray:
    """What `pack` packed.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        data = zlib.decompress(base64.b64decode(content["zlib"], validate=True))
        dtype = np.dtype(content["dtype"]).newbyteorder("<")
        return np.frombuffer(data, dtype).reshape(content["shape"]).astype(content["dtype"])
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise ValueError(f"an array in a benchmark cell is damaged: {error}") from error
