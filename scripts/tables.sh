#!/usr/bin/env bash
# Make the runs from which the tables of the documents are written, and write them.
#
#     scripts/tables.sh RUN PHOTOGRAPHS
#
# RUN is the folder of the run of quality; PHOTOGRAPHS one of CelebA-HQ's at 1024 pixels. The methods of one pass
# restore the first 32 of them and 32 samples, in an hour on two cores; the searches, and `esrgan`, the first 8 of each,
# in some four hours. Costs, in RUN-costs, want the machine to themselves for half an hour. Issued again it goes on.
# PYTHON names the interpreter that has the dependencies (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
run=$1 photographs=$2 python=${PYTHON:-.venv/bin/python}
if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
    echo "the tables name the commit of their run: commit first" >&2
    exit 2
fi

restore() { # METHODS IMAGES
    "$python" -m bench run --methods "$1" --images "$2" --factor 16,32,64 --category faces \
        --category "celeba=$photographs" --metrics psnr,lr_psnr,lpips,lite2,dlib --threads 1 --workers 2 --out "$run"
}

cost() { # METHODS IMAGES
    "$python" -m bench run --methods "$1" --images "$2" --category faces --metrics psnr --threads 2 --out "$run-costs"
}

cost bicubic,glean,esrgan+ 4
cost esrgan,idinvert,pulse,dgp,mganprior,singan 2
restore 'bicubic,esrgan+,glean,glean[weights=faithful]' 32
restore dgp,mganprior,pulse,idinvert,singan,esrgan 8
"$python" -m scripts.tables --keep "$run" --costs "$run-costs"
