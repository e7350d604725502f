#!/bin/sh
# One job of prep as Indexed Jobs of Kubernetes: a plan, one Job a pass, a commit, each once the one before is complete.
#
#   NAME=sales UNITS_PER_POD=8 ./run.sh --in /lake/in --out /lake/out [FLAGS OF prep plan]
#
# Needs kubectl, prep where this runs, and the lake at the same path here and, by the claim in pass.yaml, in the
# pods. Run it again after a failure: what is done is found there and kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=${NAME:-prep} per=${UNITS_PER_POD:-8} plan=${PLAN:-/lake/plan.json}

prep plan "$@" --plan "$plan" >/dev/null
units=$(sed -n 's/.*"units":\([0-9]*\),.*/\1/p' "$plan")
pods=$(((units + per - 1) / per))

for pass in split fit write; do
    sed -e "s|@NAME@|$name|g; s|@PASS@|$pass|g; s|@PLAN@|$plan|g; s|@PODS@|$pods|g; s|@UNITS@|$units|g; s|@PER@|$per|g" \
        "$here/pass.yaml" | kubectl create -f -
    # Whichever comes first: complete, or failed.
    until [ -n "$(kubectl get "job/$name-$pass" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')" ]; do sleep "${LOOK:-5}"; done
    kubectl wait "job/$name-$pass" --for=condition=complete --timeout=1s
    kubectl delete "job/$name-$pass" --wait
done
prep commit --plan "$plan"
