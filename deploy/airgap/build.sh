#!/usr/bin/env bash
# Makes every image that docker-compose.yml and the tests name, without a container registry;
# `make images`. Needs Debian, root and this machine's own package registries.
#
# The base images come from Debian's packages, Kafka from the Maven repository, under the names that
# compose knows them by; then the image of onrecord is built upon them. What is there already stays:
# an image made here, until what it is made from changes; one pulled from a registry, for good.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly here=deploy/airgap
readonly cache=${ONRECORD_CACHE:-.onrecord/cache}/airgap
readonly label=onrecord.airgap # on images made here; tells what they were made from

say() { echo "images: $*"; }
give_up() { say "$*" >&2; exit 1; }

# --- names, from where they stand ---------------------------------------------------------------

named_in_compose() { sed -n "s#^ *image: *\($1:[^ ]*\).*#\1#p" docker-compose.yml | head -n 1; }

python_image=$(sed -n 's/^ARG BASE=//p' deploy/Dockerfile)
postgres_image=$(named_in_compose postgres)
kafka_image=$(named_in_compose apache/kafka)
onrecord_image=$(named_in_compose onrecord)
kafka_version=$(sed -n 's#.*<kafka.version>\(.*\)</.*#\1#p' deploy/kafka/pom.xml)
readonly python_image postgres_image kafka_image onrecord_image kafka_version
[ "$kafka_image" = "apache/kafka:$kafka_version" ] ||
  give_up "docker-compose.yml has $kafka_image, deploy/kafka/pom.xml has $kafka_version"

# --- making one ---------------------------------------------------------------------------------

need() {
  local package=$1 program=$2
  command -v "$program" >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
      "$package" >/dev/null
    say "installed Debian's $package"
  }
}

fingerprint() { cat "$here"/{build,debootstrap}.sh "$@" | sha256sum | cut -c 1-16; }

# is_there IMAGE FINGERPRINT
is_there() {
  local made_from
  made_from=$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null) ||
    return 1
  case $made_from in
    "$2") say "$1 is there" ;;
    '' | '<no value>') say "$1 is there, from elsewhere" ;;
    *) return 1 ;;
  esac
}

# debian SUITE FOLDER PACKAGES: a Debian with these packages, and nothing that only people read or
# that tells of this machine.
debian() {
  local suite=$1 folder=$2 packages=$3 script=$here/debootstrap.sh
  local debs=$cache/debs-$suite
  local ways=${folder:?}/etc/dpkg/dpkg.cfg.d
  mkdir -p "$debs" "$ways"
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
    'path-exclude=/usr/share/locale/*' >"$ways/for-an-image"
  local mirror
  mirror=$("$here/mirror.sh") || give_up "no Debian mirror is known"
  if ! nice debootstrap --variant=minbase --include="$packages" --cache-dir="$(realpath "$debs")" \
    "$suite" "$folder" "$mirror" "$script" >"$cache/debootstrap.log" 2>&1; then
    give_up "debootstrap of $suite failed: $(tail -n 3 "$cache/debootstrap.log")"
  fi
  rm -rf --one-file-system "${folder:?}"/{tmp,run,dev}/* "$ways/for-an-image" \
    "$folder"/etc/{resolv.conf,hostname,apt/sources.list} \
    "$folder"/usr/share/{doc,info,lintian,locale,man}/* \
    "$folder"/var/{cache,log,lib/apt/lists}/*
}

# pack FOLDER IMAGE FINGERPRINT SETTING...: the folder becomes the image, with Dockerfile settings.
pack() {
  local folder=$1 image=$2 made_from=$3 bare=onrecord-airgap:bare
  shift 3
  tar -C "$folder" --one-file-system --numeric-owner -c . | docker import - "$bare" >/dev/null
  rm -rf --one-file-system "$folder"
  printf '%s\n' "FROM $bare" "LABEL $label=$made_from" "$@" |
    docker buildx build --quiet --load --tag "$image" - >/dev/null
  docker image rm "$bare" >/dev/null
  say "made $image, $(docker image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B," \
    "after $SECONDS s"
}

# What a killed run left mounted there is this machine's own /proc, /sys and /dev.
fresh_folder() {
  local folder=$cache/root mounted
  mkdir -p "$folder"
  folder=$(realpath "$folder")
  for mounted in $(findmnt -rno TARGET | grep "^$folder/" | sort -r); do umount "$mounted"; done
  rm -rf --one-file-system "$folder"
  mkdir "$folder"
  echo "$folder"
}

# --- the images ---------------------------------------------------------------------------------

make_python() {
  local root made_from suite=${python_image##*-} version
  made_from=$(fingerprint)
  is_there "$python_image" "$made_from" && return
  root=$(fresh_folder)
  debian "$suite" "$root" ca-certificates,python3,python3-pip,python3-venv
  version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [[ $python_image = python:$version-* ]] || give_up "$suite has Python $version"
  # As in the official image: `python` is there, and pip may install.
  ln -s python3 "$root/usr/bin/python"
  rm "$root/usr/lib/python$version/EXTERNALLY-MANAGED"
  find "$root" -xdev -name __pycache__ -type d -prune -exec rm -r '{}' +
  pack "$root" "$python_image" "$made_from" 'ENV LANG=C.UTF-8' 'CMD ["python3"]'
}

make_postgres() {
  local root made_from major=${postgres_image##*:} bin suite=forky # the first Debian with 18
  made_from=$(fingerprint "$here/postgres/docker-entrypoint.sh")
  is_there "$postgres_image" "$made_from" && return
  root=$(fresh_folder)
  # With pgvector, which the official image lacks: searches by meaning are tested in containers.
  debian "$suite" "$root" "postgresql-$major,postgresql-$major-pgvector"
  bin=/usr/lib/postgresql/$major/bin
  # No cluster of the package's and no key, but a place for the entrypoint's.
  rm -rf "$root"/{etc,var/lib}/postgresql/"$major" "$root"/etc/ssl/private/*
  chroot "$root" localedef -i en_US -f UTF-8 en_US.UTF-8
  chroot "$root" install -d -o postgres -g postgres -m 3777 /var/run/postgresql
  chroot "$root" install -d -o postgres -g postgres -m 1777 /var/lib/postgresql
  mkdir "$root/docker-entrypoint-initdb.d"
  sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" \
    "$root/usr/share/postgresql/$major/postgresql.conf.sample"
  install -m 755 "$here/postgres/docker-entrypoint.sh" "$root/usr/local/bin/"
  pack "$root" "$postgres_image" "$made_from" \
    'ENV LANG=en_US.utf8' \
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$bin" \
    "ENV PG_MAJOR=$major" \
    "ENV PGDATA=/var/lib/postgresql/$major/docker" \
    'VOLUME /var/lib/postgresql' \
    'ENTRYPOINT ["docker-entrypoint.sh"]' \
    'STOPSIGNAL SIGINT' \
    'EXPOSE 5432' \
    'CMD ["postgres"]'
}

# jars POM FOLDER: the class path that the pom names.
jars() {
  nice mvn -q -B -f "$1" dependency:copy-dependencies \
    -DoutputDirectory="$2" -DincludeScope=runtime >"$cache/maven.log" 2>&1 ||
    give_up "Maven failed: $(grep -m 1 ERROR "$cache/maven.log")"
}

make_kafka() {
  local root made_from tool jar
  made_from=$(fingerprint "$here"/kafka/* deploy/kafka/pom.xml)
  is_there "$kafka_image" "$made_from" && return
  need maven mvn
  root=$(fresh_folder)
  debian trixie "$root" openjdk-21-jre-headless
  mkdir -p "$root"/opt/kafka/{bin,config,libs,logs,tools} "$root"/etc/kafka/{docker,secrets} \
    "$root"/var/lib/kafka/data "$root"/mnt/shared/config
  jars deploy/kafka/pom.xml "$root/opt/kafka/libs"
  jars "$here/kafka/pom.xml" "$root/opt/kafka/tools"
  for jar in "$root"/opt/kafka/tools/*; do # once, where both have the same
    if cmp -s "$jar" "$root/opt/kafka/libs/${jar##*/}"; then
      ln -f "$root/opt/kafka/libs/${jar##*/}" "$jar"
    fi
  done
  install -m 755 "$here/kafka/tool.sh" "$root/opt/kafka/bin/tool.sh"
  # shellcheck disable=SC2013 # names without spaces
  for tool in $(sed -n 's/^  \(kafka-[a-z-]*\)).*/\1/p' "$here/kafka/tool.sh"); do
    ln -s tool.sh "$root/opt/kafka/bin/$tool.sh"
  done
  install -m 755 "$here/kafka/run.sh" "$root/etc/kafka/docker/run"
  install -m 644 "$here"/kafka/{server.properties,log4j2.yaml,tools-log4j2.yaml} \
    "$root/etc/kafka/docker/"
  chroot "$root" useradd --uid 1000 --user-group --no-create-home appuser
  chroot "$root" chown -R appuser:root /etc/kafka /opt/kafka/config /opt/kafka/logs \
    /var/lib/kafka /mnt/shared/config
  pack "$root" "$kafka_image" "$made_from" \
    'ENV LANG=C.UTF-8' \
    'USER appuser' \
    'VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]' \
    'EXPOSE 9092' \
    'CMD ["/etc/kafka/docker/run"]'
}

# This machine's package index and certificates are lent to the build and stay out of the image.
make_onrecord() {
  local lent=() certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
  local config=${PIP_CONFIG_FILE:-/etc/pip.conf}
  [ ! -r "$config" ] || lent+=(--secret "id=pip-config,src=$config")
  [ ! -r "$certificates" ] || lent+=(--secret "id=ca-certificates,src=$certificates")
  # Not of a copy without its history.
  lent+=(--build-arg "COMMIT=$(git describe --always --dirty --abbrev=12 2>/dev/null || true)")
  nice docker buildx build --progress plain --load "${lent[@]}" --tag "$onrecord_image" \
    --file deploy/Dockerfile . >"$cache/build.log" 2>&1 ||
    give_up "the build of $onrecord_image failed: $(tail -n 12 "$cache/build.log")"
  say "built $onrecord_image," \
    "$(docker image inspect --format '{{.Size}}' "$onrecord_image" | numfmt --to=si)B," \
    "after $SECONDS s"
}

docker version >/dev/null 2>&1 || give_up "no Docker engine answers; \`make engine\` starts one"
[ "$(id -u)" = 0 ] || give_up "making base images takes root (debootstrap makes whole systems)"
need debootstrap debootstrap
mkdir -p "$cache"
make_python
make_postgres
make_kafka
make_onrecord
