"""The CSMS side of OCPP: what chargers report, and what they are told.

One module an OCPP version, each with ``handle`` and ``perform``.
"""
