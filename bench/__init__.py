"""Measurements, one command each: ``python -m bench.endpoint``, ``python -m bench.fleet``."""
