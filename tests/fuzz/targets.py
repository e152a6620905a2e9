"""What the worker does with an input: each function drives one reader as the suite does.

A function gets the watch, the folder that holds the input's files, and the job's arguments. It may end in an error
of `bench.base.errors`; whatever else it raises is a defect. `NAME_imports` is run once before, unwatched.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.base.errors import BenchError

if TYPE_CHECKING:
    from tests.fuzz.worker import Watch

MOST_PIXELS = 64_000_000
state_file_reserves = bank_reserves = published_reserves = network_reserves = True
"""torch reserves what an old checkpoint declares before it finds the file too short; it never touches it."""
image_memory = archive_memory = 1700 << 20
"""An image of 64 megapixels is held as RGBX twice (decoded, turned upright) and once as the array."""


def expect(holds: object, what: str) -> None:
    """Raise what counts as a defect."""
    if not holds:
        raise AssertionError(what)


# ------------------------------------------------------------------------------------------------ cards


def category_card(watch: Watch, box: Path) -> str:
    from bench.categories.card import read_card
    from bench.categories.category import CategorySource
    from bench.store.layout import RunLayout

    card = read_card(box / "card.toml", "mine")
    if card.source == "hub":
        return "hub"
    category = CategorySource(card, card.open())
    names = category.list(3)
    expect(bool(category.origin), "no origin")
    run = (box / "run").resolve()
    for name in names:
        for path in (RunLayout(run).hr("mine", name), RunLayout(run).lr("mine", name, 16)):
            _inside(path, run)
        if card.source != "sampled":
            _is_picture(category.read(name))
            category.stamp(name)
            category.expected_digest(name)
    return f"{len(names)} images"


def category_card_imports() -> None:
    import bench.categories.category
    import bench.categories.sources.archive
    import bench.categories.sources.folder
    import bench.categories.sources.hub
    import bench.categories.sources.lsun
    import bench.categories.sources.package
    import bench.categories.sources.sampled


def command_card(watch: Watch, box: Path, restore: bool) -> str:
    """Read a card, and run it when its program is this Python on a file of the test."""
    import torch

    from bench.base.types import Batch, Category
    from methods.command import Command

    method = Command(Command.Options(card=box / "card.toml"))
    expect(isinstance(method.title + method.notes, str), "title")
    for path in method.assets():
        expect(Path(str(path)).is_file(), "an asset that is no file")
    method.supports((4, 4), (64, 64), 16, Category("a", None))
    watch.programs = (sys.executable,) if restore else ()
    method.load(torch.device("cpu"))
    if restore:
        method.restore(Batch(torch.zeros(1, 3, 2, 2), 2, ("../; touch x",), (0,), Category("$(touch y)", None)))
        return json.dumps(json.loads((box / "argv.json").read_text()))
    return "read"


def command_card_imports() -> None:
    import torch

    import methods.command


def selection(watch: Watch, box: Path, text: str) -> str:
    """Find the category and the method that a text selects, and look at the names they take in a run folder."""
    from bench.categories.category import find_category
    from bench.registry.methods import slug as slug_of
    from bench.store.layout import RunLayout

    run, told = (box / "run").resolve(), []
    try:
        name = find_category(text).name
        told.append(name)
        _inside(RunLayout(run).hr(name, "a"), run)
    except BenchError as error:
        told.append(str(error))
    slug = slug_of(text)
    _inside(RunLayout(run).sr(slug, "a", "a", 16), run)
    return "; ".join(told)


def selection_imports() -> None:
    category_card_imports()
    import bench.registry.methods


def _inside(path: Path, run: Path) -> None:
    expect(Path(os.path.normpath(path)) == path, f"{path} is not normal")
    expect(path.is_relative_to(run), f"{path} is outside")
    for part in path.relative_to(run).parts:
        expect(len(os.fsencode(part)) <= 255, f"{part} is too long for a file")
        expect(part not in ("", ".", "..") and "\0" not in part, f"{part!r} is no name")


# ------------------------------------------------------------------------------------- OpenVINO and ncnn


def openvino(watch: Watch, box: Path, names: list[str]) -> str:
    """Ask for everything that a network's layers ask for; count what there is."""
    from methods.shared.banks.openvino import Graph

    graph, told = Graph(box / "net.xml", box / "net.bin"), 0
    for name in names:
        asks = [graph.find, graph.named, graph.kind]
        asks += [graph.reader, lambda name: graph.reader(name, 3), graph.source, graph.operand, graph.constant]
        for ask in asks:
            try:
                ask(name)
                told += 1
            except BenchError:
                pass
    return f"{told} answers"


def openvino_layers(watch: Watch, box: Path) -> str:
    """Build the layers of a bank from a topology."""
    from methods.shared.banks.mobile_layers import Dense, First
    from methods.shared.banks.openvino import Graph

    graph, told, last = Graph(box / "net.xml", box / "net.bin"), [], None
    for build in (lambda: Dense(graph, 173), lambda: First(graph)):
        try:
            told.append(type(build()).__name__)
        except BenchError as error:
            last = error
    if last is not None and not told:
        raise last
    return ", ".join(told)


def openvino_imports() -> None:
    import methods.shared.banks.mobile_layers


openvino_layers_imports = openvino_imports


def ncnn(watch: Watch, box: Path) -> str:
    from methods.esrgan.ncnn_file import read_convolutions

    found = read_convolutions(box / "net.param", box / "net.bin")
    for weight, bias in found:
        expect(weight.ndim == 4 and weight.shape[0] == bias.shape[0], f"{weight.shape} and {bias.shape}")
        expect(weight.dtype == bias.dtype == np.float32, "not float32")
    return f"{len(found)} convolutions"


def rrdbnet(watch: Watch, box: Path) -> str:
    from methods.esrgan import read_ncnn

    return type(read_ncnn(box / "net.param", box / "net.bin")).__name__


def rrdbnet_imports() -> None:
    import methods.esrgan.network


# ------------------------------------------------------------------------------------------ checkpoints


def state_file(watch: Watch, box: Path, name: str) -> str:
    from methods.shared.state_files import read

    tensors = read(box / name)
    expect(all(isinstance(key, str) for key in tensors), "a key that is no text")
    return f"{len(tensors)} tensors"


def bank(watch: Watch, box: Path, prefix: str, name: str) -> str:
    """Load a bank as `bank=FAMILY:PATH` does."""
    from methods.shared import banks

    found = banks.load(f"{prefix}{box / name}")
    expect(found.resolution in (4 << level for level in range(12)), f"resolution {found.resolution}")
    expect(all(value.isfinite().all() for value in found.state_dict().values()), "not finite")
    return f"{found.name} at {found.resolution}"


def network(watch: Watch, box: Path, name: str) -> str:
    """Load a network as `spandrel:PATH` does."""
    import torch

    from methods.shared.networks import checkpoint

    return type(checkpoint.load(box / name, torch.device("cpu"))[0]).__name__


def published(watch: Watch, box: Path, name: str) -> str:
    """Load a file as `glean[weights=PATH]` does for the published layout."""
    from methods.glean import published as reader

    return type(reader.load(box / name)).__name__


def weight_file(watch: Watch, box: Path, method: str) -> str:
    """Read a file that one of the suite's own trainers is said to have written."""
    path = box / "net.safetensors"
    if method == "esrgan+":
        from methods.esrgan_plus import weightfile as plus

        return type(plus.read(path)).__name__
    if method == "idinvert":
        from methods.idinvert import weightfile as encoder

        return type(encoder.read(path, tiny_bank())).__name__
    from methods.glean import weightfile as glean

    return type(glean.read(path, tiny_bank())).__name__


def tiny_bank():
    """Return a bank of 64 pixels and 8 channels, its values unimportant."""
    from methods.shared.banks.stylegan2 import StyleGAN2

    return StyleGAN2({4 << level: 8 for level in range(5)}, width=8, mapping=2).requires_grad_(False).eval()


def network_imports() -> None:
    import spandrel
    import torch

    import methods.esrgan_plus.network
    import methods.glean.embedded
    import methods.glean.published
    import methods.idinvert.encoder

    spandrel.MAIN_REGISTRY.architectures("insertion")
    tiny_bank().synthesise(torch.zeros(1, 8))


state_file_imports = bank_imports = published_imports = weight_file_imports = network_imports


# ----------------------------------------------------------------------------------------------- images


def image(watch: Watch, box: Path, name: str) -> str:
    from bench.images.decode import read_image

    return _is_picture(read_image(box / name, name))


def _is_picture(pixels: np.ndarray) -> str:
    expect(
        pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3, f"{pixels.dtype} {pixels.shape}"
    )
    expect(0 < pixels.shape[0] * pixels.shape[1] <= MOST_PIXELS, f"{pixels.shape}")
    return f"{pixels.shape[1]}x{pixels.shape[0]}"


def archive(watch: Watch, box: Path, name: str) -> str:
    """Use a path as a category: a .zip archive, a folder or an LSUN database."""
    from bench.categories.sources.local import open_path

    source = open_path(box / name)
    names = list(source.names())
    told, last = [], None
    for one in names[:4]:
        _safe(one)
        try:
            told.append(_is_picture(source.read(one)))
        except BenchError as error:
            last = error
        source.stamp(one)
    if last is not None and not told:
        raise last
    return f"{len(names)} names, {len(told)} images"


def _safe(name: str) -> None:
    from bench.base.filenames import safe_filename

    stem = safe_filename(name)
    expect(not set(stem) & set('/\\:*?"<>|\0\n') and stem[0] != "." and len(stem.encode()) < 200, repr(stem))


def image_imports() -> None:
    import io

    from PIL import Image, ImageCms

    from bench.images.decode import read_image

    for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "GIF"):
        buffer = io.BytesIO()
        profile = {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
        Image.new("RGB", (4, 4)).save(buffer, kind, **(profile if kind in ("PNG", "JPEG") else {}))
        buffer.seek(0)
        read_image(buffer, "a")


def archive_imports() -> None:
    category_card_imports()
    image_imports()


def preparation(watch: Watch, box: Path, text: str) -> str:
    from bench.images.prepare import parse_preparation

    prepared = parse_preparation(text)(np.zeros((9, 7, 3), np.uint8), "a")
    return _is_picture(prepared)
