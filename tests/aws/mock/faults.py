"""Spoils answers: between the SDK and the mock, the way networks and AWS do.

A plan is a JSON object. `faults`: a list of {"action", "fault", "count"}; `action` "*" is any. Faults: throttle, internal,
denied, reset (nothing is done, the connection is cut), lost (the work is done, the connection is cut), slow (half a second),
html (a captive portal's page with 200), truncated. `hold`: {"at": n, "when": "before" or "after"} stops the n-th call
(counted from 1; with "of": "writes", of those that change something) before or after its work, until it is released, so
that the tool can be killed at exactly that moment.
"""

import socket
import threading
import time

from request import Request
from request import error

WRITES = ("Create", "Delete", "Run", "Terminate", "Modify", "Attach", "Detach", "Associate", "Disassociate", "Allocate",
          "Release", "Authorize", "Revoke", "Import", "Replace", "Start", "Stop", "Enable", "Schedule", "POST /2013-04-01")


class Faults:
    """Every request passes here and is written down."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()
        self.plan({})

    def plan(self, plan):
        with self.lock:
            self.faults = [dict(fault) for fault in (plan or {}).get("faults", [])]
            self.hold = (plan or {}).get("hold")
            self.calls, self.held, self.freed = [], False, threading.Event()

    def release(self):
        self.freed.set()

    def __call__(self, environ, start_response):
        request = Request(environ)
        with self.lock:
            self.calls.append([request.service, request.action, request.region,
                               request.action.startswith(WRITES) and request.get("DryRun") != "true"])
            # A kill is counted over all calls, or over those that change something.
            number = len(self.calls)
            if self.hold and self.hold.get("of") == "writes":
                number = sum(1 for call in self.calls if call[3]) if self.calls[-1][3] else 0
            fault = self.take(request)
        held = self.hold and self.hold["at"] == number
        if held and self.hold["when"] == "before":
            return self.wait(environ)
        if fault in ("reset", "throttle", "internal", "denied", "html"):
            return self.refuse(fault, request, environ, start_response)
        if fault == "slow":
            time.sleep(0.5)
        answered = []
        body = b"".join(self.app(environ, lambda status, headers, *_: answered.append((status, headers))))
        if held:
            return self.wait(environ)
        if fault == "lost":
            return cut(environ)
        status, headers = answered[0]
        if fault == "truncated":
            body = body[: len(body) // 2]
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
        start_response(status, headers)
        return [body]

    def take(self, request):
        for fault in self.faults:
            if fault["action"] in ("*", request.action) and fault["count"] > 0 and request.get("DryRun") != "true":
                fault["count"] -= 1
                return fault["fault"]
        return None

    def refuse(self, fault, request, environ, start_response):
        if fault == "reset":
            return cut(environ)
        if fault == "throttle":
            return error(request, start_response, 503, "RequestLimitExceeded", "Request limit exceeded.")
        if fault == "internal":
            return error(request, start_response, 500, "InternalError", "An internal error has occurred")
        if fault == "denied":
            return error(request, start_response, 403, "UnauthorizedOperation", "You are not authorized.")
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html><body>Sign in to the guest network</body></html>"]

    def wait(self, environ):
        """Waits until the tool was killed; nobody reads the answer."""
        self.held = True
        self.freed.wait(60)
        return cut(environ)


def cut(environ):
    """Cuts the connection."""
    connection = environ["werkzeug.socket"]
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    raise ConnectionAbortedError("cut on request")
