# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from lab.errors import LabError
from lab.images.oci import INDEX_TYPE
from lab.services import registry

DIGEST = f"sha256:{'0' * 64}"


class _Registry(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        known = {"/v2/library/alpine/manifests/latest": 200, "/v2/library/broken/manifests/latest": 500}
        self.send_response(known.get(self.path, 404) if self.headers["Accept"] == INDEX_TYPE else 406)
        self.send_header("Docker-Content-Digest", DIGEST)
        self.end_headers()

    def log_message(self, *_message: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # The lab's own addresses must be reached whatever proxy the environment names.
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    with HTTPServer(("127.0.0.1", 0), _Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_digest_of_what_a_tag_names(url: str) -> None:
    assert registry.served_digest(url, "library/alpine", "latest") == DIGEST


def test_unknown_image_has_no_digest(url: str) -> None:
    assert registry.served_digest(url, "library/alpine", "edge") is None


def test_other_answers_are_errors_that_name_the_image(url: str) -> None:
    with pytest.raises(LabError, match=r"Error 500(?s:.*)library/broken:latest"):
        registry.served_digest(url, "library/broken", "latest")


def test_inventory_makes_the_registry_a_mirror_of_docker_io() -> None:
    assert registry.variables("http://10.231.0.250:5000") == {
        "registries_hosts": [{"name": "docker.io", "mirrors": [{"url": "http://10.231.0.250:5000"}]}]
    }


def test_a_registry_that_does_not_listen_is_told_in_words() -> None:
    with HTTPServer(("127.0.0.1", 0), _Registry) as closed:
        unused = closed.server_port
    with pytest.raises(LabError, match=r"cannot be reached: .*refused"):
        registry.served_digest(f"http://127.0.0.1:{unused}", "library/alpine", "latest")
