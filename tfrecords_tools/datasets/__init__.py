"""Adapters: one module per dataset, each with one function that returns a `SourceDataset` and an
`ADAPTER` that describes it. A module put here is found; nothing else needs to know of it.
"""

import functools
import importlib
import pkgutil

from tfrecords_tools.datasets.adapter import Adapter


@functools.cache
def adapters() -> dict[str, Adapter]:
    """All adapters by name, in the order of their names.

    Example:

    >>> adapters()["hmdb51"].name
    'hmdb51'
    """
    modules = (
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    )
    found = [module.ADAPTER for module in modules if hasattr(module, "ADAPTER")]
    return {adapter.name: adapter for adapter in sorted(found, key=lambda a: a.name)}
