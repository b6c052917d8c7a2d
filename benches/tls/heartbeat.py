"""A TLS server of tlslite-ng with SSLv3, RC4, 3DES and the heartbeat extension. Usage: heartbeat.py PORT CERT KEY"""

import socketserver
import sys

from tlslite.api import HandshakeSettings, TLSSocketServerMixIn, X509CertChain, parsePEMKey

with open(sys.argv[2], encoding="ascii") as file:
    CHAIN = X509CertChain()
    CHAIN.parsePemList(file.read())
with open(sys.argv[3], encoding="ascii") as file:
    KEY = parsePEMKey(file.read(), private=True)

SETTINGS = HandshakeSettings()
SETTINGS.minVersion = (3, 0)
SETTINGS.maxVersion = (3, 3)
SETTINGS.cipherNames = ["aes128gcm", "aes256", "aes128", "3des", "rc4"]
SETTINGS.macNames = ["sha", "sha256", "aead", "md5"]
SETTINGS.use_heartbeat_extension = True


class Server(socketserver.ThreadingMixIn, TLSSocketServerMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 500

    def handshake(self, connection):
        connection.sock.settimeout(5) if hasattr(connection, "sock") else None
        try:
            connection.handshakeServer(certChain=CHAIN, privateKey=KEY, settings=SETTINGS)
        except Exception:  # Most handshakes here are meant to fail.
            return False
        return True

    # The handshake of one client must not hold up the others.
    def finish_request(self, request, client_address):
        super().finish_request(request, client_address)


class Quiet(socketserver.BaseRequestHandler):
    def handle(self):
        pass


Server(("127.0.0.1", int(sys.argv[1])), Quiet).serve_forever()
