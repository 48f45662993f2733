"""Reads annotation files in JSON."""

import json
import pathlib
import re
from typing import Any

from keras_stprivacy.data.errors import LabelFileError

_MOST_BYTES = 1 << 30
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_object(path: pathlib.Path) -> dict[str, Any]:
    """The object that a JSON file holds.

    Raises:
        LabelFileError: if the file cannot be read, or holds something else.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise LabelFileError(f"{path} has {size} bytes, too many for a file of annotations.")
        text = path.read_bytes().decode("utf-8-sig")
        content = json.loads(text)
        if _SURROGATE.search(text):  # then half of a pair may be there, which is no text
            json.dumps(content, ensure_ascii=False).encode()
    except OSError as error:
        raise LabelFileError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise LabelFileError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise LabelFileError(f"{path} holds a {type(content).__name__}, an object is needed.")
    return content
