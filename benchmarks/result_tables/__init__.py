"""Tables of README and docs, a file for each kind of result; see `make_tables.py`."""
