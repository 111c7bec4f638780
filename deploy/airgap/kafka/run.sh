#!/usr/bin/env bash
# /etc/kafka/docker/run: KAFKA_* become server.properties, the storage is formatted, Kafka starts.
#
# The settings are read by Kafka's own KafkaDockerWrapper, which the official image runs too.
set -euo pipefail

# The official image's cluster, for who names none.
export CLUSTER_ID=${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}

# Names of files in /etc/kafka/secrets become the settings that Kafka knows.
secret_file() {
  local name=${1}_FILENAME
  [ -z "${!name:-}" ] || export "${1}_LOCATION=/etc/kafka/secrets/${!name}"
}
secret_word() {
  local name=${1}_CREDENTIALS
  [ -z "${!name:-}" ] || export "$2=$(<"/etc/kafka/secrets/${!name}")"
}
for store in KAFKA_SSL_KEYSTORE KAFKA_SSL_TRUSTSTORE; do
  secret_file "$store"
  secret_word "$store" "${store}_PASSWORD"
done
secret_word KAFKA_SSL_KEY KAFKA_SSL_KEY_PASSWORD

# It also formats the storage, and fails, its settings written, where that was done before.
if ! told=$(env --unset=KAFKA_HEAP_OPTS /opt/kafka/bin/kafka-run-class.sh \
  kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config 2>&1); then
  if [[ $told != *'is already formatted'* ]]; then
    printf '%s\n' "$told" >&2
    exit 1
  fi
fi
exec /opt/kafka/bin/kafka-server-start.sh /opt/kafka/config/server.properties
