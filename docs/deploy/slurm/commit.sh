#!/bin/sh
# After the last array: merges and publishes.
set -eu
exec prep commit --plan "$PLAN" --threads "${SLURM_CPUS_PER_TASK:-1}"
