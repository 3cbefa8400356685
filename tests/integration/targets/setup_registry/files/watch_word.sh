#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: watch_word.sh FILE STOP
#
# Looks until the file STOP exists for what FILE holds, and for the same in Base64, in the command line and environment of
# every process. Prints where it was found, then how often it looked and how many processes of nerdctl and buildah it saw.
set -eu
word=$(cat "$1") stop=$2
encoded=$(printf '%s' "$word" | base64 | cut -c 1-12)
looks=0 tools=0
while [ ! -e "$stop" ]; do
    looks=$((looks + 1))
    for process in /proc/[0-9]*; do
        name=$(cat "$process/comm" 2>/dev/null) || continue
        case $name in nerdctl | buildah) tools=$((tools + 1)) ;; esac
        if grep -qsa -e "$word" -e "$encoded" "$process/cmdline" "$process/environ"; then
            echo "found in $name"
        fi
    done
done
echo "looks $looks"
echo "tools $tools"
