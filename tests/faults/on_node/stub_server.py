# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serves one file badly. Usage: stub_server.py PORT FILE LOG

The path says how: /half ends the connection after half of it, /503/2 answers 503 twice before it serves the file,
and /503/forever always. Each request's path is a line in LOG.

Runs on the node: Python's standard library only.
"""

from __future__ import annotations

import collections
import http.server
import pathlib
import sys
import typing as t


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    content = b""
    log = pathlib.Path()
    asked: t.ClassVar[collections.Counter[str]] = collections.Counter()

    def do_GET(self) -> None:
        """Serve the file, or what the path asks for."""
        with self.log.open("a") as lines:
            lines.write(f"{self.path}\n")
        self.asked[self.path] += 1
        how, _slash, times = self.path.strip("/").partition("/")
        if how.isdigit() and (times == "forever" or self.asked[self.path] <= int(times)):
            self.send_response(int(how))
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content[: len(self.content) // 2] if how == "half" else self.content)


def main() -> None:
    """Serve until somebody ends this."""
    port, file, log = sys.argv[1:]
    Handler.content = pathlib.Path(file).read_bytes()
    Handler.log = pathlib.Path(log)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
