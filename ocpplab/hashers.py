"""How the passwords of chargers are hashed."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ChargerPasswordHasher(PBKDF2PasswordHasher):
    """Far fewer rounds than for people: thousands of chargers may reconnect at once, and
    daphne gives up on a handshake after 5 s.
    """

    algorithm = "charger_pbkdf2"
    iterations = 10_000
