#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage: remove_images.sh NAMESPACE IMAGE STOP
#
# Gives IMAGE of NAMESPACE a throw-away name and removes that again, at once and with the garbage collection that
# follows a removal, until the file STOP exists. Prints how often.
set -eu
namespace=$1 image=$2 stop=$3
count=0
while [ ! -e "$stop" ]; do
    throwaway="docker.io/image-tests/throwaway-$$:latest"
    ctr --namespace "$namespace" images tag --force "$image" "$throwaway" >/dev/null
    ctr --namespace "$namespace" images rm --sync "$throwaway" >/dev/null
    count=$((count + 1))
done
echo "$count"
