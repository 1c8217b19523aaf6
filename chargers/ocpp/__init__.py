"""OCPP-J itself: versions, frames, errors, schemas and the RPC session of one connection.

Shared by both ends, the endpoint and the virtual charger. Knows nothing of Django.
"""
