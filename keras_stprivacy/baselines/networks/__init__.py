"""Networks of the systems that are compared, one a file."""
