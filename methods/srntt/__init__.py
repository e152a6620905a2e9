"""SRNTT: textures of reference images, swapped in where they fit (Zhang et al., CVPR 2019, arXiv:1903.00834)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import Batch, Category, Method, Needs, Restored, Size, UsageError

if TYPE_CHECKING:
    import torch

CONTENT, VGG = "upscale.npz", "imagenet-vgg-verydeep-19.mat"


class Srntt(Method):
    """Enlarge with the textures of reference images, four times at a go: srntt:FOLDER."""

    name = "srntt"
    sees_references = True
    needs = Needs(memory_mb=2000)
    notes = (
        "The authors' networks (not those of the PyTorch port) and their swap at three levels, exact over all "
        "references. A 4x network: at 16x it runs twice, which nobody has published, with the references each "
        "time, in the first pass shrunk to its scale. Changed: the suite's kernel shrinks the references, the "
        "image is not cut into tiles; the weight map, which the authors' test never switches on, is left out."
    )
    options: Options

    @dataclass(frozen=True)
    class Options:
        """The folder of upscale.npz and imagenet-vgg-verydeep-19.mat, and which transfer network of it."""

        folder: Path | None = None
        transfer: str = "srntt.npz"

    @property
    def title(self) -> str:
        """SRNTT and its file."""
        return f"SRNTT ({Path(self.options.transfer).stem})"

    def assets(self) -> Sequence[Path]:
        """Return the two networks and VGG19.

        Raises:
            UsageError: when the folder was not named, or lacks one.
        """
        folder, names = self.options.folder, (CONTENT, self.options.transfer, VGG)
        if folder is None:
            raise UsageError("srntt needs its weights", expected=f"srntt:FOLDER with {', '.join(names)}")
        files = [folder.expanduser() / name for name in names]
        if missing := [file.name for file in files if not file.is_file()]:
            raise UsageError(f"folder {folder} of srntt lacks {', '.join(missing)}")
        return files

    def supports(self, lr_size: Size, hr_size: Size, factor: int, category: Category) -> str | None:
        """Refuse factors that four times four never makes, and an LR without a patch."""
        if factor not in (4, 16, 64):
            return f"srntt enlarges 4 times, once or more, which never makes {factor}"
        return (
            None if min(lr_size) >= 3 else f"srntt needs an LR of 3 pixels, this one is {lr_size[1]}x{lr_size[0]}"
        )

    def load(self, device: torch.device) -> None:
        """Read the networks.

        Raises:
            AssetError: when a file holds anything else.
        """
        import torch

        from methods.shared.state_dicts import load_strict
        from methods.srntt import restoring, weightfile

        super().load(device)
        content, transfer, vgg = self.assets()
        self.network, self.vgg = restoring.build(torch.device("meta"))
        weightfile.fill(self.network.content, weightfile.read_arrays(content), content)
        weightfile.fill(self.network.transfer, weightfile.read_arrays(transfer), transfer)
        load_strict(self.vgg, weightfile.read_vgg(vgg), vgg, "VGG19 of MatConvNet")
        self.network.to(device)
        self.vgg.to(device)

    def restore(self, batch: Batch) -> Restored:
        """Enlarge each image with its own references.

        Raises:
            MethodError: when a reference is too small.
        """
        import torch

        from methods.srntt import restoring

        with torch.inference_mode():
            pairs = zip(torch.split(batch.lr, 1), batch.references, strict=True)
            images = [restoring.restore(self.network, self.vgg, lr, refs, batch.factor) for lr, refs in pairs]
        return Restored(torch.cat(images))
