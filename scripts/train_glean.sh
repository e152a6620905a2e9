#!/usr/bin/env bash
# Train GLEAN from the faithful weights to sharper ones: `middle` for the person, `full`, with LPIPS on crops at 1024,
# then `adversarial`.
#
#     scripts/train_glean.sh [OUT]
#
# OUT is training/glean. Issued again it goes on from the last state, at most 40 s back. MINUTES ends this piece in time
# (MINUTES=9 for a GPU that is lent for ten). STEPS are those of the three stages, MIDDLE,FULL,ADVERSARIAL; a GPU takes
# 16 times the images a step that a CPU does. METHOD=esrgan+ trains the rival in the same way, from its shipped weights.
# PYTHON names the interpreter that has the dependencies (.venv/bin/python). Another machine goes on from
# OUT/weights.safetensors alone (13 MB), with a fresh optimiser: give it as START.
set -euo pipefail

cd "$(dirname "$0")/.."
out=${1:-training/glean}
python=${PYTHON:-.venv/bin/python}
method=${METHOD:-glean}
case $method in
glean) shipped=methods/glean/weights/glean-faithful.safetensors first=latents=0,base=0 ;;
esrgan+) shipped=methods/esrgan_plus/weights/esrgan-plus.safetensors first=base=0 ;;
*) echo "METHOD is $method; expected glean or esrgan+" >&2 && exit 2 ;;
esac
export OMP_WAIT_POLICY=PASSIVE
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    batch=16 rate=1.5 steps=${STEPS:-10000,10000,5000}
else
    batch=1 rate=1 steps=${STEPS:-3000,3000,1500}
fi
limit=()
[ -z "${MINUTES:-}" ] || limit=(timeout --signal=INT "${MINUTES}m")
IFS=, read -r middle full adversarial <<<"$steps"
status=0
${limit[@]+"${limit[@]}"} "$python" -m bench train "$method" --start "${START:-$shipped}" --out "$out" --batch "$batch" \
    --rate "$rate" --steps "$first,middle=$middle,full=$full,adversarial=$adversarial" || status=$?
[ "$status" != 124 ] || echo "== the ${MINUTES} minutes are over; the same command goes on"
[ "$status" != 0 ] || echo "== $out/weights.safetensors"
exit "$status"
