# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import tarfile

from lab.images import alpine


def test_layer_has_a_link_for_every_applet_but_busybox_itself() -> None:
    layer = alpine.layer_of(b"program", ["sh", "busybox", "ls", "ls"])
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        links = {entry.name: entry.linkname for entry in archive if entry.issym()}
        program = archive.extractfile("bin/busybox")
        assert program is not None
        assert program.read() == b"program"
        assert archive.getmember("bin/busybox").mode == 0o755
        assert archive.getmember("tmp").mode == 0o1777
        assert archive.getmember("etc/passwd").isfile()
    assert links == {"bin/ls": "busybox", "bin/sh": "busybox"}


def test_layer_is_reproducible() -> None:
    assert alpine.layer_of(b"program", ["sh", "ls"]) == alpine.layer_of(b"program", ["ls", "sh"])
