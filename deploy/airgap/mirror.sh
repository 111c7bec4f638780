#!/usr/bin/env bash
# Prints the address of the Debian mirror that this machine's apt is set up for.
set -euo pipefail

# shellcheck source=/dev/null
. /etc/os-release
# shellcheck disable=SC2016 # apt fills it in
mirror=$(apt-get indextargets --format '$(SITE)' \
  'Identifier: Packages' 'Origin: Debian' 'Component: main' "Codename: $VERSION_CODENAME" |
  head -n 1)
[ -n "$mirror" ] || { echo "apt knows no Debian mirror; run apt-get update" >&2; exit 1; }
echo "$mirror"
