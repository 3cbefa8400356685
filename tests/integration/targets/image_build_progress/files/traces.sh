#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what a build has on a node while it is at work, and what is there for other reasons.
buildah containers --all --quiet
findmnt --noheadings --output TARGET | grep -o '/var/lib/containers/storage/overlay/[^/]*/merged'
ls -d /var/tmp/buildah* /run/crun/* /run/runc/*/* /run/netns/* /tmp/nephoran-image-build-* 2> /dev/null
ls /sys/class/net
ctr namespaces list --quiet 2> /dev/null | while read -r namespace; do
    ctr --namespace "$namespace" containers list --quiet 2> /dev/null
done
ps --no-headers -o pid,args -C nerdctl,buildctl,buildah,crun,runc
exit 0
