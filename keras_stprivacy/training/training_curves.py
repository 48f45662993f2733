"""The curves of a training in a picture, epoch by epoch."""

from __future__ import annotations

import html
import os
import pathlib
from typing import Any

import keras

from keras_stprivacy.training.curves_svg import curves_svg

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ margin: 0; padding: 16px; background: Canvas; color-scheme: light dark; }}
svg {{ max-width: 100%; height: auto; display: block; margin: 0 auto; }}</style>
{svg}
</html>
"""


class TrainingCurves(keras.callbacks.Callback):
    """Writes the curves of `fit` into one file that needs nothing else.

    Losses, retained ratio of each sparsification block, how well actions are read, average
    precision of the privacy recognizers (of each attribute where `STPrivacy` knows their names),
    and the points of a `keras_stprivacy.evaluation.PrivacyProbe` that comes before it in the list
    of callbacks. The file is written anew after every epoch, so that it can be looked at
    meanwhile. What is there is always whole.

    Args:
        path: ends with `.svg` or `.html`. Its folder is made if need be.
        title: of the page.

    Raises:
        ValueError: for another ending.
        OSError: from `fit`, if the file cannot be written.

    Example:

    >>> curves = TrainingCurves("curves.svg")
    >>> curves.on_train_begin()
    >>> curves.on_epoch_end(0, {"loss": 0.5})
    >>> curves.path.read_text()[:4]
    '<svg'
    """

    def __init__(self, path: str | os.PathLike, title: str = "Curves of a training") -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        if self.path.suffix not in (".svg", ".html"):
            raise ValueError(
                f"the curves are written as .svg or .html. Received: path={os.fspath(path)!r}"
            )
        self.title = title
        self.epochs: list[dict[str, Any]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._begun = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._begun:  # a training that goes on keeps what was before
            self.epochs = [one for one in self.epochs if one["epoch"] <= epoch]
            self._begun = True
        values = {name: float(value) for name, value in (logs or {}).items()}
        self.epochs.append({"epoch": epoch + 1, **values})
        text = curves_svg(self.epochs)
        if self.path.suffix == ".html":
            text = _PAGE.format(title=html.escape(self.title), svg=text)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.path)
