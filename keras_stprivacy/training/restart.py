"""A fresh opponent every now and then: a beaten one proves nothing."""

from __future__ import annotations

from typing import Any

import keras


class RestartPrivacyRecognizers(keras.callbacks.Callback):
    """Gives the privacy recognizers of `STPrivacy` new random weights, one after the other.

    An anonymizer learns to beat the recognizer that it plays against, not a fresh one. At the end
    of every `every`-th epoch the next recognizer in turn starts anew, with new moments of its
    optimizer; with two or more, the others stay strong meanwhile. As in the restarts of VITA (Wu
    et al., TPAMI 2020).

    Args:
        every: epochs between two restarts.
        until: share of all epochs after which none is restarted, so that all end strong.

    Raises:
        ValueError: unless `every >= 1` and `0 < until <= 1`.

    Example:

    >>> RestartPrivacyRecognizers(every=2).restarted_at(epoch=3, of=2)
    1
    """

    def __init__(self, every: int = 2, until: float = 0.8) -> None:
        super().__init__()
        if every < 1 or not 0.0 < until <= 1.0:
            raise ValueError(
                f"every must be at least 1 and until in (0, 1]. Received: every={every}, "
                f"until={until}"
            )
        self.every = every
        self.until = until

    def restarted_at(self, epoch: int, of: int) -> int | None:
        """Which of `of` recognizers restarts at the end of this epoch (from 0), or None."""
        turn, rest = divmod(epoch + 1, self.every)
        return None if rest else (turn - 1) % of

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        recognizers = self.model.privacy_recognizers
        index = self.restarted_at(epoch, len(recognizers))
        if index is None or epoch + 1 > self.until * self.params["epochs"]:
            return
        recognizer = recognizers[index]
        # New weights are drawn under the global seed of Keras.
        fresh = type(recognizer).from_config(recognizer.get_config())
        recognizer.set_weights(fresh.get_weights())
        self.model.optimizer.restart(self.model.players[2 + index])
