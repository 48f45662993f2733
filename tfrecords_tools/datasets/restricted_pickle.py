"""Reads pickles that hold a dict of small integer arrays, and nothing else.

A pickle is a program. This reader runs none of it that could do more than build a dict of names and
integer arrays: instructions are checked against a list before anything is loaded, and the three
names of NumPy that such files refer to are replaced by classes of our own, which collect bytes.
"""

import io
import os
import pathlib
import pickle
import pickletools
from typing import Any

import numpy as np

from keras_stprivacy.data.errors import LabelFileError

_MOST_BYTES = 256 * 1024**2
_INSTRUCTIONS = (
    *("PROTO", "FRAME", "STOP", "MARK", "NONE", "NEWTRUE", "NEWFALSE"),
    *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
)
_MEMO_INSTRUCTIONS = ("PUT", "BINPUT", "LONG_BINPUT")
_RECALLS = ("GET", "BINGET", "LONG_BINGET")
_TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
# Names of NumPy 1 and NumPy 2.
_RECONSTRUCT = (
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
)
_FROM_BUFFER = (("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"))
_INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")


class _NotAllowedError(Exception):
    pass


class _Type:
    """Stands for a dtype of integers."""

    def __init__(self, code: Any, *_: Any):
        if code not in _INTEGERS:
            raise _NotAllowedError(f"arrays of type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise _NotAllowedError(f"a type with the state {str(state)[:40]!r}")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for an array: its shape and bytes."""

    def __init__(self, *_: Any):
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise _NotAllowedError("an array without contents")
        _, shape, kind, fortran, content = state
        self.value = _array(content, kind, shape, fortran)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, *_: Any) -> _Array:
    """What protocol 5 makes arrays of."""
    array = _Array()
    array.value = _array(content, kind, shape, order == "F")
    return array


def _array(content: Any, kind: Any, shape: Any, fortran: Any) -> np.ndarray:
    good = (
        isinstance(kind, _Type)
        and isinstance(content, bytes | bytearray)
        and isinstance(shape, tuple)
        and all(isinstance(side, int) and side >= 0 for side in shape)
    )
    if not good:
        raise _NotAllowedError("an array of other things than numbers")
    # Not copied: a small file can refer to the same bytes again and again.
    flat = np.frombuffer(memoryview(content).toreadonly(), kind.dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _RECONSTRUCT:
            return _Array
        if (module, name) in _FROM_BUFFER:
            return _from_buffer
        if (module, name) == ("numpy", "ndarray"):
            return _Array
        if (module, name) == ("numpy", "dtype"):
            return _Type
        raise _NotAllowedError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise _NotAllowedError("a reference to something outside of the file")


def _check_instructions(data: bytes) -> None:
    """Reads the program without running it.

    Raises:
        _NotAllowedError: if there is in it what a dict of arrays does not need. A tuple used twice
            is: tuples of the same tuples, some forty deep, never come to an end when hashed.
    """
    tuples: set[int] = set()
    entries, last = 0, ""
    for instruction, argument, _ in pickletools.genops(data):
        name = instruction.name
        if name not in _INSTRUCTIONS:
            raise _NotAllowedError(f"the instruction {name}")
        if name in _MEMO_INSTRUCTIONS and int(argument or 0) > len(data):
            raise _NotAllowedError("a memo entry that is out of all proportion")
        if name == "MEMOIZE" or name in _MEMO_INSTRUCTIONS:
            place = entries if name == "MEMOIZE" else int(argument or 0)
            entries += 1
            tuples.discard(place)
            if last in _TUPLES:
                tuples.add(place)
        elif name in _RECALLS and int(argument or 0) in tuples:
            raise _NotAllowedError("a tuple that is used twice")
        last = name


def load_integer_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads a pickled dict of names → integer arrays, and refuses any other pickle unrun.

    Args:
        path: the file.

    Returns:
        The dict, with arrays that are read-only.

    Raises:
        LabelFileError: if the file is anything else.
    """
    path = pathlib.Path(path)
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise LabelFileError(f"{path} has {size} bytes, too many for a label file.")
        data = path.read_bytes()
    except OSError as error:
        raise LabelFileError(f"{path} cannot be read: {error.strerror}") from error
    try:
        _check_instructions(data)
        content = _Unpickler(io.BytesIO(data)).load()
    except _NotAllowedError as error:
        raise LabelFileError(
            f"{path} is refused: it holds {error}. A label file may hold a dict of integer arrays "
            "and nothing that could run."
        ) from error
    except (
        pickle.UnpicklingError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        EOFError,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise LabelFileError(f"{path} is not a pickle of a dict of arrays: {error}") from error
    if not isinstance(content, dict):
        raise LabelFileError(f"{path} holds a {type(content).__name__}, a dict is needed.")
    arrays = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, _Array) or value.value is None:
            raise LabelFileError(f"{path}: {str(key)[:80]!r} does not name an array of integers.")
        arrays[key] = value.value
    return arrays
