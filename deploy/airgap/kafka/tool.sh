#!/usr/bin/env bash
# Every /opt/kafka/bin/kafka-*.sh is this script under another name, which tells the class to run.
set -euo pipefail

heap=-Xmx256M jars=/opt/kafka/tools log4j=/etc/kafka/docker/tools-log4j2.yaml
use_broker() { jars=/opt/kafka/libs; }
case $(basename "$0" .sh) in
  kafka-server-start)
    class=kafka.Kafka heap="-Xms1G -Xmx1G" log4j=/opt/kafka/config/log4j2.yaml
    use_broker
    ;;
  kafka-broker-api-versions) class=org.apache.kafka.tools.BrokerApiVersionsCommand ;;
  kafka-cluster) class=org.apache.kafka.tools.ClusterTool ;;
  kafka-configs) class=kafka.admin.ConfigCommand ;;
  kafka-console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  kafka-console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
  kafka-consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  kafka-delete-records) class=org.apache.kafka.tools.DeleteRecordsCommand ;;
  kafka-get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
  kafka-metadata-quorum) class=org.apache.kafka.tools.MetadataQuorumCommand ;;
  kafka-storage) class=kafka.tools.StorageTool; use_broker ;;
  kafka-topics) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-run-class) class=$1; shift; use_broker ;;
  *) echo "$0: not in this image" >&2; exit 2 ;;
esac

logging=${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$log4j}
speed=${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -Djava.awt.headless=true}

# shellcheck disable=SC2086 # each holds several words
exec java ${KAFKA_HEAP_OPTS:-$heap} $speed $logging ${KAFKA_OPTS:-} \
  -cp "$jars/*" "$class" "$@"
