#!/usr/bin/env bash
# Train GLEAN from the shipped weights to sharper ones: `full`, with LPIPS on crops at 1024, then `adversarial`.
#
#     scripts/train_glean.sh [OUT]
#
# OUT is training/glean. Issued again it goes on from the last state, at most 40 s back. MINUTES ends this piece in time
# (MINUTES=9 for a GPU that is lent for ten). STEPS are the steps of the two stages, FULL,ADVERSARIAL; a GPU takes 16
# times the images a step that a CPU does. PYTHON names the interpreter that has the dependencies (.venv/bin/python).
# Another machine goes on from OUT/full/weights.safetensors alone (13 MB), with a fresh optimiser: give it as START.
set -euo pipefail

cd "$(dirname "$0")/.."
out=${1:-training/glean}
python=${PYTHON:-.venv/bin/python}
start=${START:-methods/glean/weights/glean-faithful.safetensors}
export OMP_WAIT_POLICY=PASSIVE
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    batch=16 steps=${STEPS:-10000,5000}
else
    batch=1 steps=${STEPS:-3000,1500}
fi
if [ -n "${MINUTES:-}" ]; then
    trap 'echo "== the ${MINUTES} minutes are over; the same command goes on"' EXIT
    limit=(timeout --signal=INT "${MINUTES}m")
fi

train() { # NAME START STEPS
    ${limit[@]+"${limit[@]}"} "$python" -m bench train glean --start "$2" --out "$out/$1" --batch "$batch" \
        --steps "latents=0,base=0,middle=0,$3"
}

train full "$start" "full=${steps%,*},adversarial=0"
train adversarial "$out/full/weights.safetensors" "full=0,adversarial=${steps#*,}"
trap - EXIT
echo "== $out/adversarial/weights.safetensors"
