#!/bin/sh
# One job of prep as Slurm arrays: one array a pass, each once the one before has succeeded; then the commit.
#
#   PLAN=/lake/plan.json UNITS_PER_TASK=8 ./submit.sh --in /lake/in --out /lake/out [FLAGS OF prep plan]
#
# Run it again after a failure: what is done is found there and kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export PLAN="${PLAN:-$PWD/plan.json}" UNITS_PER_TASK="${UNITS_PER_TASK:-8}"

prep plan "$@" --plan "$PLAN" >/dev/null
UNITS=$(sed -n 's/.*"units":\([0-9]*\),.*/\1/p' "$PLAN")
export UNITS
last=$(((UNITS + UNITS_PER_TASK - 1) / UNITS_PER_TASK - 1))

# A task that is requeued after its node was lost does its units again; that is safe.
array="--parsable --requeue --export=ALL --kill-on-invalid-dep=yes --cpus-per-task=4 --mem=8G --time=04:00:00"
split=$(sbatch $array --job-name=prep-split --array="0-$last" "$here/unit.sh" split)
fit=$(sbatch $array --job-name=prep-fit --array="0-$last" --dependency="afterok:$split" "$here/unit.sh" fit)
write=$(sbatch $array --job-name=prep-write --array="0-$last" --dependency="afterok:$fit" "$here/unit.sh" write)
sbatch $array --job-name=prep-commit --dependency="afterok:$write" "$here/commit.sh"
