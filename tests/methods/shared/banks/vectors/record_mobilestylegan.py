"""Record what OpenVINO itself computes with the MobileStyleGAN files, for `tests/banks/test_mobilestylegan.py`.

    pip install openvino
    python tests/vectors/record_mobilestylegan.py

Two latents come from the mapping network; of each, the image is kept at every 16th pixel and every feature that the
bank calls by a resolution at strided channels and positions. `INFERENCE_PRECISION_HINT=f32`
matters: the default on many processors is bf16, which is off by up to 0.7 at single pixels.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino

from bench.assets.fetch import fetch
from methods.shared.banks.mobilestylegan import MAPPING_BIN, MAPPING_XML, SYNTHESIS_BIN, SYNTHESIS_XML

OUT = Path(__file__).with_name("mobilestylegan.npz")
LAST = {4: "LeakyRelu_42", 8: "LeakyRelu_142", 16: "LeakyRelu_242", 32: "LeakyRelu_342"}
LAST |= {64: "LeakyRelu_442", 128: "LeakyRelu_542", 256: "LeakyRelu_642", 512: "LeakyRelu_742"}
"""The layer whose output is the bank's feature at a resolution."""

Vector = npt.NDArray[np.float32]


def main() -> None:
    """Write `mobilestylegan.npz` beside this file."""
    core = openvino.Core()
    mapping = core.read_model(fetch(MAPPING_XML), fetch(MAPPING_BIN))
    z = np.random.default_rng(20210404).standard_normal((2, 512), dtype=np.float32)
    w = np.concatenate([_infer(core, mapping, one[None])[0] for one in z])
    synthesis = core.read_model(fetch(SYNTHESIS_XML), fetch(SYNTHESIS_BIN))
    layers = {layer.get_friendly_name(): layer for layer in synthesis.get_ordered_ops()}
    synthesis.add_outputs([layers[name].output(0) for name in LAST.values()])
    vectors = {"z": z, "w": w}
    for index, one in enumerate(w):
        image, *features = _infer(core, synthesis, one[None])
        vectors[f"image{index}"] = image[:, :, 5::16, 3::16]
        for res, feature in zip(LAST, features, strict=True):
            stride = max(1, res // 8)
            vectors[f"feature{index}_{res}"] = feature[:, ::16, ::stride, ::stride]
    np.savez_compressed(OUT, **vectors)
    logging.info("wrote %s, %d bytes", OUT, OUT.stat().st_size)


def _infer(core: openvino.Core, model: openvino.Model, value: Vector) -> list[Vector]:
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    request.infer([value])
    return [np.array(request.get_output_tensor(port).data) for port in range(len(compiled.outputs))]


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
