# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands before a registry: asks for credentials, fails when told to, and remembers what it was asked.

    GET  /gate/requests      what came since the last time this was asked, one line each: METHOD PATH STATUS
    POST /gate/fail/503/4    answer the next 4 requests with 503, and all after them as usual

With --token it hands out tokens for the credentials, as most public registries do; else it takes the credentials
themselves (Basic). Without --credentials-file it asks for none.
"""

from __future__ import annotations

import argparse
import base64
import collections
import hmac
import http.client
import http.server
import json
import pathlib
import ssl
import typing as t
import urllib.parse

TOKEN = "a-token-for-one-hour"
HOP_BY_HOP = {"connection", "transfer-encoding", "authorization", "keep-alive"}


class Gate:
    """What the requests share."""

    def __init__(self, upstream: str, credentials: str, *, token: bool) -> None:
        self.upstream = urllib.parse.urlsplit(upstream)
        self.basic = "Basic " + base64.b64encode(credentials.encode()).decode() if credentials else ""
        self.token = token
        self.failures: collections.deque[int] = collections.deque()
        self.requests: list[str] = []

    @property
    def wanted(self) -> str:
        return f"Bearer {TOKEN}" if self.token else self.basic


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request after the other of one connection."""

    protocol_version = "HTTP/1.1"
    # What is no HTTP is answered in HTTP: that is how clients find out that they need not speak TLS.
    default_request_version = "HTTP/1.1"
    gate: Gate

    def do(self) -> None:
        body = self._body()
        if self.path.startswith("/gate/"):
            self._control()
        elif self.path.startswith("/token"):
            self._hand_out_token()
        elif self.gate.failures:
            self._answer(self.gate.failures.popleft(), b'{"errors": [{"code": "UNAVAILABLE"}]}')
        elif self.gate.wanted and not self._is(self.gate.wanted):
            self._ask_for_credentials()
        else:
            self._forward(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Say nothing: credentials stand in some paths."""

    def _is(self, authorization: str) -> bool:
        return hmac.compare_digest(self.headers.get("Authorization", ""), authorization)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _control(self) -> None:
        _empty, _gate, what, *values = self.path.split("/")
        if what == "fail":
            self.gate.failures = collections.deque([int(values[0])] * int(values[1]))
            self._answer(200, b"")
        else:
            told, self.gate.requests[:] = list(self.gate.requests), []
            self._answer(200, "".join(f"{line}\n" for line in told).encode(), remember=False)

    def _hand_out_token(self) -> None:
        if self._is(self.gate.basic):
            self._answer(200, json.dumps({"token": TOKEN, "access_token": TOKEN, "expires_in": 3600}).encode())
        else:
            self._answer(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}')

    def _ask_for_credentials(self) -> None:
        challenge = 'Basic realm="gate"'
        if self.gate.token:
            scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
            challenge = f'Bearer realm="{scheme}://{self.headers["Host"]}/token",service="gate"'
        self._answer(401, b'{"errors": [{"code": "UNAUTHORIZED"}]}', {"WWW-Authenticate": challenge})

    def _forward(self, body: bytes) -> None:
        # A field may stand in several lines, as buildah's Accept does: they mean the same as one with commas.
        names = dict.fromkeys(name for name in self.headers if name.lower() not in HOP_BY_HOP)
        headers = {name: ", ".join(self.headers.get_all(name) or ()) for name in names}
        if body:
            headers["Content-Length"] = str(len(body))
        if isinstance(self.connection, ssl.SSLSocket):
            headers["X-Forwarded-Proto"] = "https"
        upstream = http.client.HTTPConnection(self.gate.upstream.hostname or "", self.gate.upstream.port or 80)
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
        self._answer(answer.status, answer.read(), kept)
        upstream.close()

    def _answer(
        self, status: int, content: bytes, headers: dict[str, str] | None = None, *, remember: bool = True
    ) -> None:
        if remember:
            self.gate.requests.append(f"{self.command} {urllib.parse.urlsplit(self.path).path} {status}")
        self.send_response_only(status)
        named = {name.lower() for name in headers or {}}
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "content-length" not in named:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True, help="the registry's URL")
    parser.add_argument("--credentials-file", type=pathlib.Path, help="holds user:password")
    parser.add_argument("--token", action="store_true")
    parser.add_argument("--certificate", help="a file with certificate and key: speak TLS")
    arguments = parser.parse_args()
    credentials = arguments.credentials_file.read_text().strip() if arguments.credentials_file else ""
    Handler.gate = Gate(arguments.upstream, credentials, token=arguments.token)
    server = http.server.ThreadingHTTPServer(("", arguments.port), Handler)
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
