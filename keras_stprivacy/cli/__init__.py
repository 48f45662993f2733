"""The `stprivacy` command: parses and calls, nothing else."""
