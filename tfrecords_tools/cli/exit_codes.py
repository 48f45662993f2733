"""How `stprivacy-tfrecords` ends; 0 is done and 2, click's own, wrong usage."""

FAILED = 1
QUARANTINED = 3  # done, but some videos were left out
INTERRUPTED = 130
