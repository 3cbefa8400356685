# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file server: gives out the toolchain's folder over HTTP, so that installing from a URL can be tested."""

from __future__ import annotations

from pathlib import Path

from lab import network
from lab.services import service
from lab.services.service import Endpoint, Mount, Service

ENDPOINT = Endpoint("nephoran-lab-files", network.FILES_HOST, port=80)
ROOT = "/srv/files"


def ensure(directory: Path) -> str:
    """Serve a folder.

    :param directory: what is served; changes in it show at once.
    :returns: the URL of the folder, without a slash at the end.
    :raises LabError: if a prerequisite is missing or the server does not start.
    """
    return service.ensure(
        Service(
            endpoint=ENDPOINT,
            command=("httpd", "-f", "-p", str(ENDPOINT.port), "-h", ROOT),
            mounts=(Mount(directory, ROOT),),
        )
    )
