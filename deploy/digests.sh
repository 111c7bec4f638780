#!/usr/bin/env bash
# Pins the base images by digest, for those who pull them from a registry.
#
#   deploy/digests.sh           pulls each image and writes deploy/digests.override.yml
#   deploy/digests.sh --check   whether that file still fits docker-compose.yml and the Dockerfile
#   docker compose -f docker-compose.yml -f deploy/digests.override.yml up --build --detach --wait
#
# A tag may name another image tomorrow; a digest is the image. None stands in the repository, since
# the images that `make images` makes come from no registry and have none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly file=deploy/digests.override.yml

give_up() { echo "digests: $*" >&2; exit 1; }

named_in_compose() { sed -n "s#^ *image: *\($1:[^ ]*\).*#\1#p" docker-compose.yml | head -n 1; }

kafka=$(named_in_compose apache/kafka)
postgres=$(named_in_compose postgres)
base=$(sed -n 's/^ARG BASE=//p' deploy/Dockerfile)
readonly kafka postgres base

# digest_of IMAGE: as NAME:TAG@sha256:…, after a pull.
digest_of() {
  local digest
  docker pull --quiet "$1" >/dev/null || give_up "$1 cannot be pulled"
  digest=$(docker image inspect --format '{{join .RepoDigests "\n"}}' "$1" | head -n 1)
  [[ $digest =~ @(sha256:[0-9a-f]{64})$ ]] || give_up "$1 comes from no registry and has no digest"
  echo "$1@${BASH_REMATCH[1]}"
}

if [ "${1:-}" = --check ]; then
  [ -s "$file" ] || give_up "there is no $file: run deploy/digests.sh"
  for image in "$kafka" "$postgres" "$base"; do
    grep -Eq "[\" ]$image@sha256:[0-9a-f]{64}\"" "$file" ||
      give_up "$file has no digest of $image: run deploy/digests.sh"
  done
  exit 0
fi

kafka_pinned=$(digest_of "$kafka")
postgres_pinned=$(digest_of "$postgres")
base_pinned=$(digest_of "$base")
cat >"$file" <<END
# Written by deploy/digests.sh.
services:
  kafka: {image: "$kafka_pinned"}
  postgres: {image: "$postgres_pinned"}
  topics: {build: {args: {BASE: "$base_pinned"}}}
END
echo "written: $file"
