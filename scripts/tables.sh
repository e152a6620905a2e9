#!/usr/bin/env bash
# Make the run from which the tables of the documents are written, and write them.
#
#     scripts/tables.sh RUN PHOTOGRAPHS
#
# RUN is the folder of the run; PHOTOGRAPHS one of CelebA-HQ's at 1024 pixels. An hour on two cores; issued again it
# goes on. PYTHON names the interpreter that has the dependencies (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
run=$1 photographs=$2 python=${PYTHON:-.venv/bin/python}

"$python" -m bench run --methods 'bicubic,esrgan+,glean,glean[weights=faithful]' --images 32 --category faces \
    --category "celeba=$photographs" --factor 16,32,64 --metrics psnr,lpips,lite2,dlib --threads 1 --workers 2 --out "$run"
"$python" -m scripts.tables --keep "$run"
