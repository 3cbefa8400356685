# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs pip into an empty virtual environment, from the copy that Python itself carries.

ansible-test runs a script with these arguments to start each environment of its sanity tests, and would fetch one from
the network. This one stands in, so that the tests need only the package index that pip is set up for.
"""

from __future__ import annotations

import subprocess
import sys

# The script that ansible-test knows also installs these unless told not to; here they are never installed.
_NEVER_INSTALLED = ("--no-setuptools", "--no-wheel")


def main() -> int:
    arguments = [argument for argument in sys.argv[1:] if argument not in _NEVER_INSTALLED]
    # In a process of its own, because ensurepip removes pip's settings from the environment.
    subprocess.run([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL, check=True)
    return subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
