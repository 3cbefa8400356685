#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: watch_arguments.sh TOKENS STOP
#
# Looks at the command lines of all processes until the file STOP exists, and prints each line of the file TOKENS that
# was ever seen in one.
set -eu
tokens=$1 stop=$2
while [ ! -e "$stop" ]; do
    cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep --only-matching --fixed-strings --file="$tokens" || true
    sleep 0.05
done | sort --unique
