# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate authorities that this machine trusts beyond those of Debian.

Behind a proxy that ends TLS itself, nothing over HTTPS works in a node that does not trust them too.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path

DEBIAN_AUTHORITIES = Path("/usr/share/ca-certificates")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def added_authorities() -> list[str]:
    """The certificates (PEM) of this machine's trust store that Debian's own package does not hold."""
    bundle = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    known = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DEBIAN_AUTHORITIES.rglob("*.crt")))
    return difference(Path(bundle).read_text(encoding="utf-8"), known)


def difference(bundle: str, known: str) -> list[str]:
    """The certificates of ``bundle`` that are not in ``known``, each once, in their order."""
    known_bodies = {_body(certificate) for certificate in _CERTIFICATE.findall(known)}
    added = {_body(certificate): certificate for certificate in _CERTIFICATE.findall(bundle)}
    return [f"{certificate}\n" for body, certificate in added.items() if body not in known_bodies]


def _body(certificate: str) -> str:
    return "".join(certificate.split())
