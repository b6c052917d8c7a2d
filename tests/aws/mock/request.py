"""What a request asks for: service, action, region and parameters, read from what the SDK signed and sent."""

import io
import re
from urllib.parse import parse_qs

SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")


class Request:
    """One request, whose body can be read again."""

    def __init__(self, environ):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(self.body)
        scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        self.region, self.service = scope.groups() if scope else ("", "")
        self.path = environ["PATH_INFO"]
        self.parameters = {}
        if self.service in ("ec2", "sts"):
            self.parameters = {key: value[0] for key, value in parse_qs(self.body.decode()).items()}
        target = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        self.action = self.parameters.get("Action") or target or environ["REQUEST_METHOD"] + " " + self.path

    def get(self, name, default=""):
        return self.parameters.get(name, default)


def ec2_error(start_response, status, code, message):
    """An error as EC2 words it."""
    body = (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    )
    start_response(f"{status} X", [("Content-Type", "text/xml")])
    return [body.encode()]


def query_error(start_response, status, code, message):
    """An error as STS words it."""
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    start_response(f"{status} X", [("Content-Type", "text/xml")])
    return [body.encode()]


def json_error(start_response, status, code, message):
    """An error as the JSON services word it."""
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
    start_response(f"{status} X", headers)
    return [('{"__type": "%s", "message": "%s"}' % (code, message)).encode()]


def error(request, start_response, status, code, message):
    """An error in the words of the service that was asked."""
    answer = {"ec2": ec2_error, "": ec2_error, "sts": query_error, "route53": query_error}.get(request.service, json_error)
    return answer(start_response, status, code, message)
