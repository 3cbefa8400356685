# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching is patient where waiting can help, and names the cause where it cannot."""

from __future__ import annotations

import contextlib
import http.server
import pathlib
import ssl
import threading
import typing as t
import urllib.error

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _durable
from ansible_collections.nephoran.container_build.plugins.module_utils._download import (
    ATTEMPTS,
    Downloader,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._url import shown_url, validate_url

CONTENT = b"archive" * 1000
Answer = tuple[int, dict[str, str], bytes]
WHOLE: Answer = (200, {"Content-Length": str(len(CONTENT))}, CONTENT)
CUT: Answer = (200, {"Content-Length": str(len(CONTENT))}, CONTENT[: len(CONTENT) // 2])


def status(code: int, **headers: str) -> Answer:
    return code, {"Content-Length": "0", **{name.replace("_", "-"): value for name, value in headers.items()}}, b""


class Server:
    """Answers each request with the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[str] = []
        self.pauses: list[float] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.headers.get("Accept-Encoding", ""))
                code, headers, body = outer.answers.pop(0)
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002 - as in the base class
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/archive.tar.gz"

    @contextlib.contextmanager
    def serving(self) -> t.Iterator[Server]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def fetch(self, path: pathlib.Path) -> bytes:
        Downloader(sleep=self.pauses.append).fetch(self.url, str(path))
        return path.read_bytes()


@pytest.fixture
def server() -> t.Iterator[Server]:
    with Server().serving() as server:
        yield server


def test_a_file_is_fetched_for_its_owner_only(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [WHOLE]
    assert server.fetch(tmp_path / "archive") == CONTENT
    assert (tmp_path / "archive").stat().st_mode & 0o777 == 0o600
    assert server.pauses == []


def test_content_is_taken_as_it_comes(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [(200, {**WHOLE[1], "Content-Encoding": "gzip"}, CONTENT)]
    assert server.fetch(tmp_path / "archive") == CONTENT
    assert server.requests[0] in ("", "identity")


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server: Server, tmp_path: pathlib.Path, code: int) -> None:
    server.answers = [status(code), status(code), WHOLE]
    assert server.fetch(tmp_path / "archive") == CONTENT
    assert server.pauses == [1, 2]


def test_the_server_says_how_long_to_wait_within_reason(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [status(429, Retry_After="7"), status(503, Retry_After="86400"), WHOLE]
    assert server.fetch(tmp_path / "archive") == CONTENT
    assert server.pauses == [7, 60]


def test_a_date_to_wait_for_is_no_number(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [status(503, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), WHOLE]
    assert server.fetch(tmp_path / "archive") == CONTENT
    assert server.pauses == [1]


def test_patience_ends(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [status(503)] * ATTEMPTS
    with pytest.raises(Unavailable, match=f"in {ATTEMPTS} attempts: the server answered 503"):
        server.fetch(tmp_path / "archive")
    assert server.pauses == [1, 2, 4, 8]
    assert server.answers == []


def test_a_connection_that_ends_early_is_no_success(server: Server, tmp_path: pathlib.Path) -> None:
    server.answers = [CUT, WHOLE]
    assert server.fetch(tmp_path / "archive") == CONTENT
    server.answers = [CUT] * ATTEMPTS
    with pytest.raises(Unavailable, match=f"the connection ended after {len(CUT[2])} of {len(CONTENT)} bytes"):
        server.fetch(tmp_path / "another")


@pytest.mark.parametrize(("code", "kind"), [(404, NotFound), (410, NotFound), (401, Unavailable), (403, Unavailable)])
def test_a_refusal_is_believed_at_once(
    server: Server, tmp_path: pathlib.Path, code: int, kind: type[Unavailable | NotFound]
) -> None:
    server.answers = [status(code)]
    with pytest.raises(kind, match=f"the server answered {code}"):
        server.fetch(tmp_path / "archive")
    assert server.pauses == []


def test_a_closed_port_is_tried_again_and_named(tmp_path: pathlib.Path) -> None:
    with Server().serving() as server:
        pass
    with pytest.raises(Unavailable, match="Connection refused"):
        server.fetch(tmp_path / "archive")
    assert len(server.pauses) == ATTEMPTS - 1


def test_an_untrusted_certificate_is_not_asked_twice(tmp_path: pathlib.Path) -> None:
    def untrusted(_url: str) -> t.Any:
        raise urllib.error.URLError(ssl.SSLCertVerificationError("self-signed certificate"))

    pauses: list[float] = []
    with pytest.raises(Unavailable, match="certificate is not trusted"):
        Downloader(untrusted, pauses.append).fetch("https://example.com/a", str(tmp_path / "archive"))
    assert pauses == []


def test_a_file_that_does_not_fit_is_not_begun(
    server: Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_durable, "free_bytes", lambda _folder: 10)
    server.answers = [WHOLE]
    with pytest.raises(Unavailable, match="too little room"):
        server.fetch(tmp_path / "archive")
    assert (tmp_path / "archive").read_bytes() == b""


def test_what_stands_there_is_never_written_over(server: Server, tmp_path: pathlib.Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "archive").symlink_to("target")
    with pytest.raises(FileExistsError):
        server.fetch(tmp_path / "archive")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert server.requests == []


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/a", "file:///etc/passwd", "http://", "http:///a", "--config", "http://h/a b", "http://[::1/a"],
)
def test_only_http_is_fetched(url: str) -> None:
    with pytest.raises(InvalidInput, match="Not an address"):
        validate_url(url)


def test_secrets_in_an_address_are_not_shown(server: Server, tmp_path: pathlib.Path) -> None:
    assert shown_url("https://user:word@host:8443/a/b.tgz?token=x#y") == "https://host:8443/a/b.tgz"
    server.url = server.url.replace("http://", "http://user:hunter2@") + "?token=hunter3"
    server.answers = [status(403)]
    with pytest.raises(Unavailable) as caught:
        server.fetch(tmp_path / "archive")
    assert "hunter" not in str(caught.value)
