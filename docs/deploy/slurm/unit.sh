#!/bin/sh
# One task of an array: its share of the units in one pass.
set -eu
first=$((SLURM_ARRAY_TASK_ID * UNITS_PER_TASK))
end=$((first + UNITS_PER_TASK))
[ "$end" -le "$UNITS" ] || end=$UNITS
# Nine tenths of what Slurm allows: the rest is for what isn't counted, such as the page cache of the job.
exec prep unit "$1" --plan "$PLAN" --unit "$first..$end" \
    --threads "${SLURM_CPUS_PER_TASK:-1}" --memory "$((${SLURM_MEM_PER_NODE:-8192} * 9 / 10))MiB"
