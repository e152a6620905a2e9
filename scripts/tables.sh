#!/usr/bin/env bash
# Make the run from which the tables of the documents are written, and write them.
#
#     scripts/tables.sh RUN PHOTOGRAPHS
#
# RUN is the folder of the run; PHOTOGRAPHS one of CelebA-HQ's at 1024 pixels. The methods of one pass restore all of
# them and 32 samples, in an hour on two cores; the searches, and `esrgan`, the first 8 of each, in some five hours.
# Issued again it goes on. PYTHON names the interpreter that has the dependencies (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
run=$1 photographs=$2 python=${PYTHON:-.venv/bin/python}

restore() {
    "$python" -m bench run --methods "$1" --images "$2" --category faces --category "celeba=$photographs" \
        --factor 16,32,64 --metrics psnr,lr_psnr,lpips,lite2,dlib --threads 1 --workers 2 --out "$run"
}

restore 'bicubic,esrgan+,glean,glean[weights=faithful]' 32
restore dgp,mganprior,pulse,idinvert,singan,esrgan 8
"$python" -m scripts.tables --keep "$run"
