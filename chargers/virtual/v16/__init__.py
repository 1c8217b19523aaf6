"""OCPP 1.6 in the virtual charger."""
