#!/usr/bin/env bash
# Adds the access rules of onrecord's users with Kafka's own tool; written by `make contracts`.
#
#   KAFKA_TOPIC_PREFIX= deploy/kafka/acls/apply.sh \
#     --bootstrap-server kafka:9093 --command-config admin.properties
#
# KAFKA_ACLS names the tool, ONRECORD_PRINCIPAL what goes before each user's name. It adds what is
# missing and takes nothing away; `python -m messaging acls apply` does both.
set -euo pipefail
connection=("$@")
prefix=${KAFKA_TOPIC_PREFIX-}
principal=${ONRECORD_PRINCIPAL-User:onrecord-}

# allow USER KIND OPERATION... -- NAME...
allow() {
  local user=$1 kind=$2 words=()
  shift 2
  while [ "$1" != -- ]; do words+=(--operation "$1"); shift; done
  shift
  for name in "$@"; do words+=("--$kind" "$prefix$name"); done
  ${KAFKA_ACLS:-kafka-acls.sh} "${connection[@]}" --add --allow-principal "$principal$user" \
    "${words[@]}" >/dev/null
}

allow auditor group Describe -- \
  control enrichment guardrail ingestion persistence
allow auditor topic Read -- \
  chunks-ready enrichment-dlq enrichment-retry-0 enrichment-retry-1 enrichment-retry-2 enrichment-retry-3 guardrail-dlq guardrail-retry-0 guardrail-retry-1 guardrail-retry-2 guardrail-retry-3 ingestion-dlq ingestion-retry-0 ingestion-retry-1 ingestion-retry-2 ingestion-retry-3 notes-drafted notes-rejected notes-validated persistence-dlq persistence-retry-0 persistence-retry-1 persistence-retry-2 persistence-retry-3 transcripts-ingested transcripts-submitted waiting-decisions
allow control group Describe Read -- \
  control
allow control group Describe -- \
  enrichment guardrail ingestion persistence
allow control topic DescribeConfigs Read -- \
  chunks-ready notes-drafted notes-rejected notes-validated transcripts-ingested
allow control topic Delete DescribeConfigs Read -- \
  enrichment-dlq enrichment-retry-1 enrichment-retry-2 enrichment-retry-3 guardrail-dlq guardrail-retry-1 guardrail-retry-2 guardrail-retry-3 ingestion-dlq ingestion-retry-1 ingestion-retry-2 ingestion-retry-3 persistence-dlq persistence-retry-1 persistence-retry-2 persistence-retry-3
allow control topic Delete DescribeConfigs Read Write -- \
  enrichment-retry-0 guardrail-retry-0 ingestion-retry-0 persistence-retry-0
allow control topic DescribeConfigs Write -- \
  transcripts-settled
allow control topic DescribeConfigs Read Write -- \
  transcripts-submitted waiting-decisions
allow enrichment group Read -- \
  enrichment
allow enrichment topic DescribeConfigs Read -- \
  chunks-ready enrichment-retry-0 notes-rejected waiting-decisions
allow enrichment topic DescribeConfigs Write -- \
  enrichment-dlq notes-drafted
allow enrichment topic DescribeConfigs Read Write -- \
  enrichment-retry-1 enrichment-retry-2 enrichment-retry-3
allow guardrail group Read -- \
  guardrail
allow guardrail topic DescribeConfigs Write -- \
  guardrail-dlq notes-rejected notes-validated
allow guardrail topic DescribeConfigs Read -- \
  guardrail-retry-0 notes-drafted waiting-decisions
allow guardrail topic DescribeConfigs Read Write -- \
  guardrail-retry-1 guardrail-retry-2 guardrail-retry-3
allow ingestion group Read -- \
  ingestion
allow ingestion topic DescribeConfigs Write -- \
  chunks-ready ingestion-dlq transcripts-ingested
allow ingestion topic DescribeConfigs Read -- \
  ingestion-retry-0 transcripts-submitted waiting-decisions
allow ingestion topic DescribeConfigs Read Write -- \
  ingestion-retry-1 ingestion-retry-2 ingestion-retry-3
allow migrator topic Create Describe -- \
  chunks-ready enrichment-dlq enrichment-retry-0 enrichment-retry-1 enrichment-retry-2 enrichment-retry-3 guardrail-dlq guardrail-retry-0 guardrail-retry-1 guardrail-retry-2 guardrail-retry-3 ingestion-dlq ingestion-retry-0 ingestion-retry-1 ingestion-retry-2 ingestion-retry-3 notes-drafted notes-rejected notes-stored notes-validated persistence-dlq persistence-retry-0 persistence-retry-1 persistence-retry-2 persistence-retry-3 transcripts-ingested transcripts-settled transcripts-submitted waiting-decisions
allow persistence group Read -- \
  persistence
allow persistence topic DescribeConfigs Write -- \
  notes-stored persistence-dlq
allow persistence topic DescribeConfigs Read Write -- \
  notes-validated persistence-retry-1 persistence-retry-2 persistence-retry-3
allow persistence topic DescribeConfigs Read -- \
  persistence-retry-0 transcripts-ingested waiting-decisions
allow producer topic Read -- \
  notes-stored transcripts-settled
allow producer topic Write -- \
  transcripts-submitted
