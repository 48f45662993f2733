"""The players of the adversarial phase and their optimizers."""

# What is used here is of STPrivacy, which this class is mixed into.
# mypy: disable-error-code="attr-defined,misc"

from __future__ import annotations

from typing import Any

import keras

from keras_stprivacy.training.optimizer import PlayerOptimizer, copy_optimizer, loss_scaled
from keras_stprivacy.training.players import ACTION, ANONYMIZER, RECONSTRUCTOR, privacy_players


class AdversarialPlayers:
    """Who plays, with which variables and which optimizer; see `STPrivacy`."""

    @property
    def players(self) -> tuple[str, ...]:
        """Names of the anonymizer, the action recognizer, each privacy recognizer and, if there
        is one, the reconstructor."""
        last = () if self.reconstructor is None else (RECONSTRUCTOR,)
        return (ANONYMIZER, ACTION, *privacy_players(len(self.privacy_recognizers)), *last)

    def _networks(self) -> list[keras.Model]:
        """In the order of `players`."""
        last = () if self.reconstructor is None else (self.reconstructor,)
        return [self.anonymizer, self.action_recognizer, *self.privacy_recognizers, *last]

    def player_variables(self) -> dict[str, list]:
        """Trainable variables of each player; the reader of words goes with the anonymizer."""
        variables = {
            player: network.trainable_variables
            for player, network in zip(self.players, self._networks(), strict=True)
        }
        if self.word_reader is not None:
            variables[ANONYMIZER] = [
                *variables[ANONYMIZER],
                *self.word_reader.trainable_variables,
            ]
        return variables

    def compile(
        self,
        anonymizer_optimizer: Any = None,
        recognizer_optimizer: Any = None,
        optimizer: PlayerOptimizer | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets the optimizers; losses and metrics are this phase's own.

        AdamW leaves biases, norms and position embeddings undecayed, unless its
        `exclude_from_weight_decay` was called before: then that alone holds.

        Args:
            anonymizer_optimizer: of the anonymizer.
            recognizer_optimizer: of the action recognizer; each privacy recognizer and the
                reconstructor get one of the same configuration.
            optimizer: a `PlayerOptimizer` with a part for each of `players`, in place of the two.
            **kwargs: `jit_compile`, `run_eagerly`, `steps_per_execution` of `keras.Model.compile`.
                On PyTorch `jit_compile=True` is `torch.compile`, which takes many minutes before
                the first step; `"auto"` does without.

        Raises:
            ValueError: if neither way was used, or something of both, or a part is missing.
        """
        pair = (anonymizer_optimizer, recognizer_optimizer)
        given = [part is not None for part in pair]
        if any(given) if optimizer is not None else not all(given):
            raise ValueError(
                "compile needs anonymizer_optimizer and recognizer_optimizer, or in place of both "
                f"a PlayerOptimizer. Received: anonymizer_optimizer={anonymizer_optimizer}, "
                f"recognizer_optimizer={recognizer_optimizer}, optimizer={optimizer}"
            )
        if optimizer is not None and set(getattr(optimizer, "parts", ())) != set(self.players):
            raise ValueError(
                f"optimizer must be a PlayerOptimizer with a part for each of {self.players}. "
                f"Received: {sorted(getattr(optimizer, 'parts', ())) or optimizer!r}"
            )
        if optimizer is None:
            first, second = (keras.optimizers.get(part) for part in pair)
            if first is second:
                second = copy_optimizer(first)
            others = {player: copy_optimizer(second) for player in self.players[2:]}
            optimizer = PlayerOptimizer({ANONYMIZER: first, ACTION: second, **others})
        networks = (self, *self._networks())
        optimizer.parts = {
            player: loss_scaled(part, networks) for player, part in optimizer.parts.items()
        }
        optimizer.build_parts(self.player_variables())
        super().compile(optimizer=optimizer, auto_scale_loss=False, **kwargs)

    def _parts(self, optimizer: PlayerOptimizer) -> list[tuple[Any, list]]:
        variables = self.player_variables()
        return [(part, variables[player]) for player, part in optimizer.parts.items()]
