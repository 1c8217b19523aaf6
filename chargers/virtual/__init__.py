"""The virtual charger: a charging station in software, an OCPP-J client of its CSMS.

Knows nothing of Django, a database or Redis; see ``charger.VirtualCharger``.
"""
