#!/usr/bin/env bash
# Makes a Docker engine answer, with Compose v2 and BuildKit; `make engine`. Says what it did.
#
# An engine that answers is left alone, and so are plugins that are there. Otherwise, on Debian and
# as root, it installs Debian's packages and starts the engine in the background.
set -euo pipefail

readonly plugins=/usr/local/lib/docker/cli-plugins
readonly pid_file=/run/docker.pid # the engine's own default: a second engine refuses to start
readonly log_file=/var/log/dockerd.log
readonly plugin_suite=trixie # Debian 13: the first with Compose v2; its plugins run on Debian 12
readonly patience_s=60

say() { echo "engine: $*"; }
give_up() { say "$*" >&2; exit 1; }
answers() { docker version >/dev/null 2>&1; }

need_debian_and_root() {
  command -v apt-get >/dev/null || give_up "$1 is missing, and only Debian's is known how to install"
  [ "$(id -u)" = 0 ] || give_up "$1 is missing; installing it takes root"
}

refresh_lists_once() {
  [ -n "${refreshed:-}" ] || apt-get update -qq
  refreshed=yes
}

get() {
  refresh_lists_once
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
  say "installed Debian's $*"
}

install_engine() {
  need_debian_and_root "a Docker engine"
  get docker.io iptables
  command -v docker >/dev/null || get docker-cli # a package of its own from Debian 13 on
}

start_engine() {
  [ "$(id -u)" = 0 ] || give_up "the engine does not answer; starting it takes root"
  setsid nohup dockerd --pidfile "$pid_file" </dev/null >>"$log_file" 2>&1 &
  local began=$SECONDS
  until answers; do
    if [ $((SECONDS - began)) -ge "$patience_s" ]; then
      give_up "no answer after $patience_s s: $(tail -n 3 "$log_file")"
    fi
    sleep 0.2
  done
  say "started dockerd, pid $(cat "$pid_file"), log $log_file"
}

# An older Debian gets the plugin from the suite that has it, by its own mirror and keys.
install_plugin() {
  local package=$1 plugin=$2 work
  need_debian_and_root "docker ${plugin#docker-}"
  work=$(mktemp -d)
  chmod 755 "$work"
  mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$plugins"
  local mirror
  mirror=$("$(dirname "$0")/mirror.sh")
  echo "deb $mirror $plugin_suite main" >"$work/sources.list"
  local only=(-qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  apt-get "${only[@]}" update
  (cd "$work" && apt-get "${only[@]}" download "$package" >/dev/null)
  dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar -x -C "$work" ./usr/libexec/docker
  install -m 755 "$work/usr/libexec/docker/cli-plugins/$plugin" "$plugins/$plugin"
  rm -rf "$work"
  say "installed Debian $plugin_suite's $package: $(docker "${plugin#docker-}" version | head -n 1)"
}

if answers; then
  say "Docker $(docker version --format '{{.Server.Version}}') answers"
else
  command -v dockerd >/dev/null || install_engine
  answers || start_engine
fi
docker compose version >/dev/null 2>&1 || install_plugin docker-compose docker-compose
docker buildx version >/dev/null 2>&1 || install_plugin docker-buildx docker-buildx
