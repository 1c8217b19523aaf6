"""OCPP 2.0.1 and 2.1: what these versions make of a virtual charger."""
