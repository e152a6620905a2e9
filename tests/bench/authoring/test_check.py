"""`bench methods check` finds each way to break the contract, and every built-in adapter keeps it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from bench import is_here
from bench.authoring.check import Problem, check, check_method
from bench.base.errors import UsageError
from bench.registry import METHODS
from bench.registry.methods import build
from methods.shared.face_restorer import FaceRestorer
from tests.conftest import photo, write_adapter

BROKEN = {
    "one column short": ("sr = sr[..., :-1]", Problem.SHAPE, "expected (1, 3, 256, 256)"),
    "height and width swapped": ("sr = sr.transpose(2, 3)", Problem.SHAPE, "got (1, 3, 384, 256), expected"),
    "channels last": ("sr = sr.permute(0, 2, 3, 1)", Problem.SHAPE, "(1, 256, 256, 3)"),
    "float64": ("sr = sr.double()", Problem.DTYPE, "got torch.float64, expected torch.float32"),
    "bytes": ("sr = (sr * 255).byte()", Problem.DTYPE, "torch.uint8"),
    "NaN": ("sr[0, 0, 3, 3] = float('nan')", Problem.NAN, "1 of the result's 196608 values"),
    "infinite": ("sr = sr / 0", Problem.NAN, "NaN or infinite"),
    "0 to 255": (
        "sr = sr * 255",
        Problem.RANGE,
        "expected [0, 1], or at most 0.5 beyond it, which is clipped; clamp it",
    ),
    "-1 to 1": ("sr = sr * 2 - 1", Problem.RANGE, "expected [0, 1]"),
    "raises": ("raise ValueError('boom')", Problem.EXCEPTION, "restore() failed: ValueError: boom"),
    "no Restored": ("return sr", Problem.RESULT, "got Tensor, expected bench.Restored"),
    "no tensor": ("sr = sr.numpy()", Problem.RESULT, "got Restored.sr of type ndarray, expected torch.Tensor"),
    "values of nobody": ("return Restored(sr, [{}, {}])", Problem.RESULT, "2 mappings of values for 1 images"),
    "global generator": ("sr = torch.rand_like(sr)", Problem.NONDETERMINISM, "two fresh starts"),
    "operating system": ("sr = sr * os.urandom(1)[0] / 255 * os.urandom(1)[0] / 255", Problem.NONDETERMINISM, ""),
    "counts": (
        "self.n = getattr(self, 'n', 0) + 1; sr = sr / self.n",
        Problem.STATE,
        "after another one was restored",
    ),
    "remembers the last": (
        "last = getattr(self, 'last', sr); self.last = sr; sr = (sr + last) / 2",
        Problem.STATE,
        "change nothing on self",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_restore_is_found(tmp_path, case):
    body, problem, words = BROKEN[case]
    (finding,) = check_method(build(str(write_adapter(tmp_path / "mine.py", body))))
    assert finding.problem is problem
    assert words in finding.sentence


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "torch.manual_seed(batch.seeds[0]); sr = torch.rand_like(sr)",
        "self.cache = {batch.seeds[0]: sr}",
        "sr = sr.clone(); batch.lr.zero_()",
    ],
)
def test_what_keeps_the_contract_passes(tmp_path, body):
    assert check_method(build(str(write_adapter(tmp_path / "mine.py", body)))) == []


SUPPORTS = "def supports(self, lr_size, hr_size, factor, category):\n    "
EDITED = {
    "no docstring": ('    """A method of a test."""\n', "", Problem.DOCSTRING, "class Adapter has no docstring"),
    "options that change": (
        "@dataclass(frozen=True)",
        "@dataclass",
        Problem.OPTIONS,
        "declare it with @dataclass(frozen=True)",
    ),
}
MEMBERS = {
    "options forgotten": (
        "def __init__(self, options):\n    self.settings = options",
        Problem.OPTIONS,
        "self.options",
    ),
    "load raises": (
        "def load(self, device):\n    raise OSError('gone')",
        Problem.EXCEPTION,
        "load() failed: OSError: gone",
    ),
    "supports raises": (
        f"{SUPPORTS}return lr_size.area",
        Problem.EXCEPTION,
        "supports() failed: AttributeError",
    ),
    "supports nothing": (f"{SUPPORTS}return 'too late'", Problem.NO_INPUT, "the last reason was: too late"),
}


@pytest.mark.parametrize("case", EDITED)
def test_a_broken_declaration_is_found(tmp_path, case):
    old, new, problem, words = EDITED[case]
    path = write_adapter(tmp_path / "mine.py")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert words in _findings(path)[problem]


@pytest.mark.parametrize("case", MEMBERS)
def test_a_broken_member_is_found(tmp_path, case):
    members, problem, words = MEMBERS[case]
    path = write_adapter(tmp_path / "mine.py", members=members)
    path.write_text(path.read_text().replace("time.sleep(self.options.wait)", "pass"))
    assert words in _findings(path)[problem]


def _findings(path: Path) -> dict[Problem, str]:
    cls = _class(path)
    return {finding.problem: finding.sentence for finding in check_method(cls(cls.Options()))}


def test_options_without_a_default_are_found(tmp_path):
    path = write_adapter(tmp_path / "mine.py")
    path.write_text(path.read_text().replace("wait: float = 0.0", "wait: float"))
    cls = _class(path)
    (finding,) = check_method(cls(cls.Options(0.0)))
    assert finding.problem is Problem.OPTIONS
    assert "option wait has no default" in finding.sentence


def test_options_that_are_no_dataclass_are_found(tmp_path):
    path = write_adapter(tmp_path / "mine.py")
    path.write_text(path.read_text().replace("    @dataclass(frozen=True)\n", ""))
    cls = _class(path)
    (finding,) = check_method(cls(cls.Options()))
    assert finding.problem is Problem.OPTIONS
    assert "not a dataclass" in finding.sentence


def _class(path: Path):
    return METHODS.load(str(path))


def test_the_smallest_accepted_output_is_tried(tmp_path):
    """Only 1024 pixels from 32: the adapter tells through its values what it was given."""
    body = "assert (batch.lr.shape, batch.factor) == ((1, 3, 32, 32), 32)"
    supports = f"{SUPPORTS}return None if (lr_size, hr_size) == ((32, 32), (1024, 1024)) else 'no'"
    path = write_adapter(tmp_path / "mine.py", body, members=supports)
    assert check_method(build(str(path))) == []


def test_a_method_that_ends_the_process_is_found(tmp_path):
    path = write_adapter(tmp_path / "mine.py", "os._exit(7)")
    (finding,) = check(str(path))
    assert str(finding) == "the process ended: its process ended by itself, with exit code 7"


def test_a_sound_adapter_passes_in_a_process_of_its_own(tmp_path):
    assert check(str(write_adapter(tmp_path / "mine.py"))) == []


def test_an_unknown_method_is_an_error_not_a_finding():
    with pytest.raises(UsageError, match="did you mean bicubic"):
        check("bicubc")


SHORT = {
    "pulse": "pulse[steps=2]",
    "mganprior": "mganprior[codes=1,steps=1]",
    "dgp": "dgp[steps=1]",
    "singan": "singan[steps=1]",
}
"""Methods that take minutes as they are."""


def _selection(name: str, folder: Path) -> str:
    """Return a selection of a built-in method that can run here and soon, with what it needs in a folder."""
    match name:
        case "folder":
            for image in ("image1", "image2"):
                Image.fromarray(photo(0, 256, 256)).save(folder / f"{image}.png")
            Image.fromarray(photo(0, 256, 384)).save(folder / "image3.png")
            return f"folder:{folder}"
        case "command":
            script = "import sys; from PIL import Image; i = Image.open(sys.argv[1]); i.resize((16 * i.width, 256)).save(sys.argv[2])"
            command = [sys.executable, "-c", script, "{input}", "{output}"]
            (folder / "card.toml").write_text(f"command = {json.dumps(command)}\n")
            return f"command:{folder / 'card.toml'}"
        case "spandrel":
            from spandrel.architectures.Compact import Compact

            torch.save(Compact(num_feat=8, num_conv=2, upscale=4).state_dict(), folder / "x4.pth")
            return f"spandrel:{folder / 'x4.pth'}"
        case "esrgan+":
            return f"esrgan+[weights={_untrained_esrgan_plus(folder / 'network.safetensors')}]"
        case "idinvert":
            return f"idinvert[steps=1,weights={_untrained_encoder(folder / 'encoder.safetensors')}]"
        case "ddrm":
            from tests.methods.test_ddrm import save_prior

            blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
            save_prior(folder, unet={"sample_size": 256, "add_attention": False, **blocks})
            return f"ddrm[prior={folder},steps=2]"
        case "srntt":
            from tests.methods.test_srntt import write_weights

            write_weights(folder)
            return f"srntt:{folder}"
        case _:
            return SHORT.get(name, name)


def _untrained_esrgan_plus(path: Path) -> Path:
    from methods.esrgan_plus import weightfile
    from methods.esrgan_plus.network import EsrganPlusNet

    network = EsrganPlusNet((16, 32, 64), 1024)
    weightfile.write(path, network, dict(network.named_parameters()), {})
    return path


def _untrained_encoder(path: Path) -> Path:
    from methods.idinvert import weightfile
    from methods.idinvert.encoder import Encoder

    made = {"name": "mobilestylegan", "resolution": 1024, "digest": ""}
    bank = SimpleNamespace(**made, latents=(23, 512), mean_latent=torch.zeros(512))
    encoder = Encoder(bank)
    weightfile.write(path, encoder, bank, dict(encoder.named_parameters()), {})
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [entry.name for entry in METHODS.entries().values() if entry.origin == "built-in"]
)
def test_every_built_in_adapter_keeps_the_contract(tmp_path, name):
    selected = build(_selection(name, tmp_path))
    if isinstance(selected, FaceRestorer) and not all(is_here(asset) for asset in selected.assets()):
        pytest.skip("its weights are not here, and random ones are of the same 350 MB")
    assert check_method(selected) == []


@pytest.mark.parametrize(("scale", "is_sound"), [(1.9, True), (2.1, False)])
def test_an_overshoot_of_a_half_is_clipped_and_more_is_wrong(tmp_path, scale, is_sound):
    """Values from 0 to 1 are spread around 0.5; the worker applies the same rule."""
    body = f"sr = (sr - 0.5) * {scale} + 0.5"
    findings = check_method(build(str(write_adapter(tmp_path / "mine.py", body))))
    assert [finding.problem for finding in findings] == ([] if is_sound else [Problem.RANGE])
