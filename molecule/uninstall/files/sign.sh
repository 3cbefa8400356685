#!/bin/sh
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Signs certificates in its own folder, with an authority that is made if there is none: NAME or NAME=SUBJECT. They are for
# this machine by its own names, and for those in ALSO (as of subjectAltName, each with a comma before it).
set -eu
cd "$(dirname "$0")"
request() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "$@"
}
[ -e ca.pem ] || request -x509 -days 2 -keyout ca-key.pem -out ca.pem -subj /CN=authority
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1%s' "${ALSO:-}" > names
for who in "$@"; do
    name=${who%%=*}
    subject=${who#"$name"}
    subject=${subject#=}
    request -keyout "$name-key.pem" -out request.pem -subj "${subject:-/CN=$name}"
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile names -out "$name.pem"
done
