"""Which of several attackers is the strongest: chosen where the test is not looked at."""

import numpy as np

from keras_stprivacy.evaluation.attack_result import AttackResult
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION
from keras_stprivacy.evaluation.sentences import of_names
from keras_stprivacy.scores import average_precision

STRONGEST = "strongest"


def readers_of(probability: dict[str, np.ndarray], kind: str, main: str) -> dict[str, np.ndarray]:
    """What each attacker says of the attributes, by its name.

    Whoever reads the clips that were rebuilt from anonymized ones is an attacker of these.

    Args:
        probability: "clips/task" or "clips/task/attacker" -> array; without an attacker it is the
            main one.
        kind: of clips: "raw" or "anonymized".
        main: name of the main attacker.

    Example:

    >>> said = {"raw/privacy": 0, "raw/privacy/frame": 1, "raw/action": 2, "rebuilt/privacy": 3}
    >>> readers_of(said, "raw", "conv3d"), readers_of(said, "anonymized", "conv3d")
    ({'conv3d': 0, 'frame': 1}, {'reconstruction': 3})
    """
    prefix = f"{kind}/privacy"
    found = {
        key.removeprefix(prefix).lstrip("/") or main: value
        for key, value in probability.items()
        if key == prefix or key.startswith(f"{prefix}/")
    }
    if kind == "anonymized" and "rebuilt/privacy" in probability:
        found[RECONSTRUCTION] = probability["rebuilt/privacy"]
    return found


def choose_strongest(
    held_out: dict[str, np.ndarray],
    labels: np.ndarray,
    main: str,
    attribute_names: tuple[str, ...],
) -> tuple[dict[str, str], list[str]]:
    """Chooses for each attribute the attacker that reads it best in held-out training clips.

    A maximum over attackers on the test itself would be too good for the attacker: it picks up
    what luck gives to one of them.

    Args:
        held_out: attacker -> probabilities (M, P).
        labels: array (M, P) of 0 and 1.
        main: the attacker to take where none can be chosen.
        attribute_names: P names.

    Returns:
        Attribute -> attacker, the earlier one of equals; and notes on attributes without a choice.

    Example:

    >>> import numpy as np
    >>> said = {"a": np.array([[0.2], [0.9]]), "b": np.array([[0.9], [0.2]])}
    >>> choose_strongest(said, np.array([[1], [0]]), "a", ("face",))
    ({'face': 'b'}, [])
    """
    reached = {name: average_precision(labels, said) for name, said in held_out.items()}
    chosen: dict[str, str] = {}
    full: list[str] = []
    absent: list[str] = []
    for index, attribute in enumerate(attribute_names):
        values = {name: score.values[index] for name, score in reached.items()}
        present = labels[:, index]
        if present.min() == present.max():
            chosen[attribute] = main
            (full if present[0] else absent).append(attribute)
            continue
        chosen[attribute] = max(values, key=lambda name: values[name] or 0.0)
    rest = f"the strongest attacker cannot be chosen there, {main} stands for it"
    notes = of_names(full, f"every held-out training clip has {{}}: {rest}")
    notes += of_names(absent, f"no held-out training clip has {{}}: {rest}")
    return chosen, notes


def strongest_of(attacked: AttackResult, kind: str) -> tuple[dict[str, str], list[str], int]:
    """The choice among the attackers that read both the held-out clips and the test.

    Args:
        attacked: what attackers learned and said.
        kind: of clips: "raw" or "anonymized".

    Returns:
        Attribute -> attacker, notes, and how many there were to choose among. No attribute has one
        where there were fewer than two, or nothing was held out.
    """
    tested = readers_of(attacked.test.probability, kind, attacked.main)
    held = readers_of(attacked.held_out, kind, attacked.main)
    held = {name: said for name, said in held.items() if name in tested}
    if len(held) < 2 or attacked.held_out_labels is None:
        return {}, [], len(held)
    names = attacked.labels.attribute_names
    chosen, notes = choose_strongest(held, attacked.held_out_labels, attacked.main, names)
    return chosen, notes, len(held)


def columns_of_chosen(
    probability: dict[str, np.ndarray], chosen: dict[str, str], attribute_names: tuple[str, ...]
) -> np.ndarray:
    """What the chosen attackers said, each of its attribute.

    Args:
        probability: attacker -> array (U, P).
        chosen: attribute -> attacker.
        attribute_names: P names.

    Returns:
        An array (U, P).

    Example:

    >>> import numpy as np
    >>> said = {"a": np.array([[0.1, 0.2]]), "b": np.array([[0.8, 0.9]])}
    >>> columns_of_chosen(said, {"x": "a", "y": "b"}, ("x", "y")).tolist()
    [[0.1, 0.9]]
    """
    columns = [probability[chosen[name]][:, index] for index, name in enumerate(attribute_names)]
    return np.stack(columns, axis=1)
