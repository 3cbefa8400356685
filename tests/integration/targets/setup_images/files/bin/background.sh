#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: background.sh start NAME COMMAND...    runs it as a unit of systemd, whatever becomes of the connection
#        background.sh hear NAME                waits until it has ended, prints what it printed, and ends with its status
#
# What has not ended after a minute is shown with its processes and what they wait for.
set -eu
how=$1 unit=image-tests-$2.service output=/run/image-tests-$2
shift 2

forget() {
    systemctl stop "$unit" 2>/dev/null || true
    systemctl reset-failed "$unit" 2>/dev/null || true
}

case $how in
start)
    forget
    rm -f "$output.out" "$output.err"
    systemd-run --quiet --unit="$unit" --remain-after-exit --working-directory="$PWD" --setenv=HOME=/root \
        --setenv=PATH="/usr/local/bin:$PATH" --property=StandardOutput="file:$output.out" \
        --property=StandardError="file:$output.err" -- "$@"
    ;;
hear)
    tries=300
    while [ "$(systemctl show --property=SubState --value "$unit")" = running ]; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            cat "$output.err" >&2
            systemctl status --no-pager --full --lines=0 "$unit" >&2 || true
            ps -eo pid,ppid,etimes,stat,wchan:30,args --forest >&2
            exit 124
        fi
        sleep 0.2
    done
    status=$(systemctl show --property=ExecMainStatus --value "$unit")
    forget
    cat "$output.out"
    cat "$output.err" >&2
    exit "$status"
    ;;
*)
    echo "neither start nor hear: $how" >&2
    exit 2
    ;;
esac
