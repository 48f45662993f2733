"""Sentences about names, of which there may be a few or thousands."""

from collections.abc import Sequence

EACH = 6  # with more names than these, one sentence is for all


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names with commas between them; of many, the first ones and how many more there are.

    Example:

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def of_names(names: Sequence[str], one: str, many: str | None = None) -> list[str]:
    """A sentence for each name or, where there are many, one for all of them.

    Args:
        names: of attributes.
        one: the sentence, "{}" standing for the name.
        many: the sentence of many, "{}" standing for their number and the first of them; None:
            as `one`.

    Example:

    >>> of_names(["a"], "leakage of {} is undefined")
    ['leakage of "a" is undefined']
    >>> of_names([str(i) for i in range(20)], "leakage of {} is undefined")
    ['leakage of 20 attributes (0, 1, 2, 3, 4, 5 and 14 more) is undefined']
    """
    if len(names) > EACH:
        several = f"{len(names)} attributes ({listed(names, EACH)})"
        return [(many or one).format(several)]
    return [one.format(f'"{name}"') for name in names]
