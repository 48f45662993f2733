"""Adapters: one module per dataset, each with one function that returns a `SourceDataset`."""
