# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from lab.toolchain import release

CONTENT = b"the archive" * 1000
Respond = Callable[[http.server.BaseHTTPRequestHandler], None]


class Server:
    """A web server whose answer a test chooses."""

    def __init__(self) -> None:
        self.requested: list[str] = []
        self.respond: Respond = lambda handler: answer(handler, CONTENT)
        parent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parent.requested.append(self.path)
                parent.respond(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent class names it so
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answer(
    handler: http.server.BaseHTTPRequestHandler, content: bytes, *, status: int = 200, announced: int = -1
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content) if announced < 0 else announced))
    handler.end_headers()
    handler.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setitem(release.SHA256, "amd64", hashlib.sha256(CONTENT).hexdigest())
    with Server() as running:
        yield running


def download(server: Server, target: Path) -> None:
    release.download("amd64", target, lambda _progress: None, server.url)


def test_release_is_downloaded(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "archive"
    download(server, target)
    assert target.read_bytes() == CONTENT
    assert server.requested == ["/v2.2.1/nerdctl-full-2.2.1-linux-amd64.tar.gz"]


def test_login_page_is_refused(server: Server, tmp_path: Path) -> None:
    server.respond = lambda handler: answer(handler, b"<html>please log in</html>")
    with pytest.raises(
        release.NotDownloaded, match=r"26 bytes with the sha256 [0-9a-f]{64} came .* this is not the release"
    ):
        download(server, tmp_path / "archive")


def test_broken_off_download_is_refused(server: Server, tmp_path: Path) -> None:
    server.respond = lambda handler: answer(handler, CONTENT[:5000], announced=len(CONTENT))
    with pytest.raises(release.NotDownloaded, match="5000 bytes"):
        download(server, tmp_path / "archive")


@pytest.mark.parametrize("status", [404, 429, 503])
def test_refusal_is_told(server: Server, tmp_path: Path, status: int) -> None:
    server.respond = lambda handler: answer(handler, b"no", status=status)
    with pytest.raises(release.NotDownloaded, match=f"nerdctl-full-2.2.1-linux-amd64.tar.gz: HTTP Error {status}"):
        download(server, tmp_path / "archive")


def test_silent_server_is_given_up_on(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "STALL_SECONDS", 0.1)
    done = threading.Event()
    server.respond = lambda _handler: (done.wait(), None)[1]
    try:
        with pytest.raises(release.NotDownloaded, match="timed out"):
            download(server, tmp_path / "archive")
    finally:
        done.set()


def test_unreachable_server_is_told(tmp_path: Path) -> None:
    with Server() as gone:
        url = gone.url
    with pytest.raises(release.NotDownloaded, match="refused"):
        release.download("amd64", tmp_path / "archive", lambda _progress: None, url)
