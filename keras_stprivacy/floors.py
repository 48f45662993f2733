"""What an attacker scores who sees nothing, or only which action is done."""

import numpy as np


def action_only(
    train_action: np.ndarray,
    train_privacy: np.ndarray,
    test_action: np.ndarray,
    num_classes: int,
    smoothing: float = 1.0,
) -> np.ndarray:
    """The attacker that sees the true action label and nothing else.

    It says of every attribute how often videos of that action have it in the training split.

    Args:
        train_action: int array (N,).
        train_privacy: array (N, P) of 0 and 1.
        test_action: int array (M,).
        num_classes: actions.
        smoothing: imagined clips with, and as many without, each attribute in every action
            (Laplace), so that an action that is rare in training gets no extreme rate.

    Returns:
        Probabilities (M, P). An action without a training clip gets 0.5 at a smoothing above 0,
        and the rate over all clips at 0.

    Example:

    >>> import numpy as np
    >>> privacy = np.array([[1], [1], [0]])
    >>> action_only(np.array([0, 0, 1]), privacy, np.array([1, 0]), num_classes=2).round(2).tolist()
    [[0.33], [0.75]]
    """
    train_privacy = np.asarray(train_privacy, "float64")
    present = np.zeros((num_classes, train_privacy.shape[1]))
    np.add.at(present, train_action, train_privacy)
    clips = np.bincount(train_action, minlength=num_classes)[:, None] + 2.0 * smoothing
    rate = np.where(clips > 0, (present + smoothing) / np.maximum(clips, 1e-12), 0.0)
    rate = np.where(clips > 0, rate, train_privacy.mean(axis=0))
    return rate[test_action]


def actions_only(
    train_action: np.ndarray, train_privacy: np.ndarray, test_action: np.ndarray
) -> np.ndarray:
    """The attacker that sees which of several actions a clip shows, and nothing else.

    A logistic regression (scikit-learn's, L2, C = 1) from the true action labels to each attribute.

    Args:
        train_action: array (N, A) of 0 and 1.
        train_privacy: array (N, P) of 0 and 1.
        test_action: array (M, A) of 0 and 1.

    Returns:
        Probabilities (M, P); of an attribute that all training clips have, or none, 1 or 0.

    Example:

    >>> import numpy as np
    >>> action = np.array([[1, 0], [1, 1], [0, 1], [0, 1]])
    >>> actions_only(action, np.array([[1], [1], [0], [0]]), action).round(1).ravel().tolist()
    [0.7, 0.6, 0.4, 0.4]
    """
    from sklearn.linear_model import LogisticRegression

    rates = np.empty((len(test_action), train_privacy.shape[1]))
    for index, labels in enumerate(np.asarray(train_privacy).T):
        if labels.min() == labels.max():
            rates[:, index] = labels[0]
        else:
            model = LogisticRegression(max_iter=1000).fit(train_action, labels)
            rates[:, index] = model.predict_proba(test_action)[:, 1]
    return rates


def majority_class(train_action: np.ndarray, test_action: np.ndarray, count: int = 1) -> np.ndarray:
    """Which test videos are right when the most frequent training actions are always said.

    Args:
        train_action: int array (N,).
        test_action: int array (M,).
        count: actions that are said; the lower number goes first among equals.

    Returns:
        A float array (M,) of 0 and 1.

    Example:

    >>> import numpy as np
    >>> majority_class(np.array([2, 2, 0]), np.array([2, 1, 0, 2])).tolist()
    [1.0, 0.0, 0.0, 1.0]
    """
    frequent = np.argsort(-np.bincount(train_action), kind="stable")[:count]
    return np.isin(test_action, frequent).astype("float64")


def chance(test_privacy: np.ndarray) -> np.ndarray:
    """The attacker that sees nothing: the same probability for every video.

    Its average precision is the prevalence of an attribute, its AUROC 0.5. The probability is 1,
    so that its F1 is that of saying "present" of every video.

    Args:
        test_privacy: array (M, P).

    Returns:
        Ones (M, P).

    Example:

    >>> import numpy as np
    >>> from keras_stprivacy.scores import average_precision, f1
    >>> privacy = np.array([[1], [0], [0], [0]])
    >>> average_precision(privacy, chance(privacy)).mean, f1(privacy, chance(privacy)).mean
    (0.25, 0.4)
    """
    return np.ones(test_privacy.shape)
