"""OCPP-J itself: versions, frames, errors, schemas and the RPC session of a connection.

Shared by both ends, the endpoint and the virtual charger. Knows nothing of Django.
"""
