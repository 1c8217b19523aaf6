"""The CSMS side of OCPP: what chargers report, and what they are told.

One module an OCPP version, with its ``HANDLERS``, and one for the commands to its
chargers, with its ``COMMANDS``.
"""
