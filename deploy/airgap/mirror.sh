#!/usr/bin/env bash
# Prints the address of the Debian mirror that this machine's apt is set up for.
set -euo pipefail

# shellcheck source=/dev/null
. /etc/os-release
# shellcheck disable=SC2016 # apt fills it in
look() {
  apt-get indextargets --format '$(SITE)' \
    'Identifier: Packages' 'Origin: Debian' 'Component: main' "Codename: $VERSION_CODENAME" |
    head -n 1
}
mirror=$(look)
# On a machine that has just been made, apt has no lists yet.
[ -n "$mirror" ] || { apt-get update -qq >&2 && mirror=$(look); }
[ -n "$mirror" ] || { echo "apt knows no Debian mirror; see its sources.list" >&2; exit 1; }
echo "$mirror"
