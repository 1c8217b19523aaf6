"""TLS where the portal itself ends it (OCPPLAB_TLS_PORT), for chargers and people.

A client is asked for a certificate and may have none. Any is taken here, the proof that
it holds the key included: whose it is, who issued it and until when it is good is for
the OCPP endpoint to say, by what its organization's authority has issued until now.
"""

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

# What the security whitepaper asks for (A00.FR.317), and what is safer still.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"


@implementer(IOpenSSLContextFactory)
class TLSContext:
    """How TLS connections are made, with one certificate of each kind of key."""

    def __init__(self, certificates: Sequence[tuple[str, str]]) -> None:
        """``certificates``: paths of chain and private key (PEM); SSL.Error or OSError
        where they are no good.
        """
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(CIPHERS.encode())
        for chain, key in certificates:
            context.use_certificate_chain_file(chain)
            context.use_privatekey_file(key)
            context.check_privatekey()
        context.set_verify(SSL.VERIFY_PEER, _take_any)
        # A session taken up again would come with a certificate revoked meanwhile.
        context.set_options(SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self._context = context

    def getContext(self) -> Any:
        return self._context


def _take_any(*verdict: Any) -> bool:
    return True
