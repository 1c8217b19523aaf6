"""Garbage collection for processes that hold thousands of connections."""

import gc

THRESHOLDS = (10_000, 10, 10)  # objects; younger and middle generations


def collect_less() -> None:
    """Look for garbage cycles seldom, and never among what was imported.

    Call when all is imported. Python would look through all objects of the process
    again and again while connections are made, and each look stops all of them. Still
    often enough that what closed connections leave behind does not pile up.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
