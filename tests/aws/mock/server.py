"""The mock of AWS that the tests talk to: moto behind a layer that does what moto does not do faithfully (see README.md)
and that spoils answers on request. It listens on loopback, and where it is told to at an address with TLS too, and prints both
ports on one line. Only on loopback does it take orders from tests.

usage: server.py IMAGES.json [ADDRESS CERTIFICATE KEY]
"""

import json
import os
import sys
import threading

os.environ["MOTO_AMIS_PATH"] = sys.argv[1]
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "true")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

from faithful import Faithful  # noqa: E402
from faults import Faults  # noqa: E402
from inventory import count  # noqa: E402


class Control:
    """What the tests ask of the mock itself, under /_test/."""

    def __init__(self, app, faults, faithful):
        self.app, self.faults, self.faithful = app, faults, faithful

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if not path.startswith("/_test/"):
            return self.app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = json.loads(environ["wsgi.input"].read(length) or b"null")
        answer = self.answer(path.removeprefix("/_test/"), body)
        text = json.dumps(answer).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def answer(self, what, body):
        if what == "count":
            return count()
        if what == "calls":
            return self.faults.calls
        if what == "plan":
            self.faults.plan(body)
        elif what == "held":
            return self.faults.held
        elif what == "release":
            self.faults.release()
        elif what == "settings":
            self.faithful.settings.update(body)
        elif what == "do":
            return self.faithful.do(body)
        elif what == "reset":
            self.faithful.reset()
            self.faults.plan({})
        return None


def main():
    faithful = Faithful(DomainDispatcherApplication(create_backend_app))
    faults = Faults(faithful)
    server = make_server("127.0.0.1", 0, Control(faults, faults, faithful), threaded=True)
    ports = [server.port]
    if len(sys.argv) > 2:
        address, certificate, key = sys.argv[2:]
        over_tls = make_server(address, 0, faults, threaded=True, ssl_context=(certificate, key))
        threading.Thread(target=over_tls.serve_forever, daemon=True).start()
        ports.append(over_tls.port)
    print(*ports, flush=True)
    server.serve_forever()


main()
