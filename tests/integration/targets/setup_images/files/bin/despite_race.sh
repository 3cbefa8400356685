#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: despite_race.sh COMMAND...
#
# Runs a builder's own command, again where containerd's garbage collection took a snapshot that it had just found
# (issue 10835 of containerd/containerd), as somebody would who types it. At most three times.
set -u

said=$(mktemp)
trap 'rm -f "$said"' EXIT
for attempt in 1 2 3; do
    "$@" 2>"$said"
    status=$?
    cat "$said" >&2
    [ "$status" -ne 0 ] || exit 0
    grep -q 'failed to prepare extraction snapshot .* parent snapshot [^ ][^ ]* does not exist' "$said" || exit "$status"
    echo "attempt $attempt lost a race with containerd's garbage collection" >&2
done
exit "$status"
