#!/usr/bin/env bash
# Train GLEAN from the faithful weights to sharper ones: `middle` for the person, `full`, with LPIPS on crops at 1024,
# then `adversarial`.
#
#     scripts/train_glean.sh [OUT]
#
# OUT is training/glean. Issued again it goes on from the last state, at most 40 s back. MINUTES ends this piece in time
# (MINUTES=9 for a GPU that is lent for ten). STEPS are those of the three stages, MIDDLE,FULL,ADVERSARIAL; a GPU takes
# 16 times the images a step that a CPU does. METHOD=esrgan+ with its START trains the rival in the same way. PYTHON
# names the interpreter that has the dependencies (.venv/bin/python). Another machine goes on from
# OUT/weights.safetensors alone (13 MB), with a fresh optimiser: give it as START.
set -euo pipefail

cd "$(dirname "$0")/.."
out=${1:-training/glean}
python=${PYTHON:-.venv/bin/python}
start=${START:-methods/glean/weights/glean-faithful.safetensors}
method=${METHOD:-glean}
export OMP_WAIT_POLICY=PASSIVE
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    batch=16 rate=1.5 steps=${STEPS:-10000,10000,5000}
else
    batch=1 rate=1 steps=${STEPS:-3000,3000,1500}
fi
if [ -n "${MINUTES:-}" ]; then
    trap 'echo "== the ${MINUTES} minutes are over; the same command goes on"' EXIT
    limit=(timeout --signal=INT "${MINUTES}m")
fi
IFS=, read -r middle full adversarial <<<"$steps"
first=base=0
[ "$method" = glean ] && first=latents=0,base=0
${limit[@]+"${limit[@]}"} "$python" -m bench train "$method" --start "$start" --out "$out" --batch "$batch" \
    --rate "$rate" --steps "$first,middle=$middle,full=$full,adversarial=$adversarial"
trap - EXIT
echo "== $out/weights.safetensors"
