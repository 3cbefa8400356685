#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: open_gate.sh NAME ARGUMENT...
#
# Runs gatekeeper.py, which lies beside this, with these arguments, in place of the one of that name.
set -eu
unit=image-tests-gate-$1
shift
systemctl stop "$unit" 2>/dev/null || true
exec systemd-run --quiet --collect --unit "$unit" python3 "$(dirname "$0")/gatekeeper.py" "$@"
