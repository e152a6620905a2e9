"""Image files, archives and databases of any kind: 8-bit RGB, or one error; no bomb is unpacked, no path followed."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
import zlib
from functools import cache
from pathlib import Path

import lmdb
import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from PIL import Image, ImageCms

from tests.fuzz.child import Job
from tests.fuzz.mutations import mutated

KINDS = {
    "png": {},
    "jpg": {"quality": 80},
    "webp": {"lossless": True},
    "bmp": {},
    "tif": {"compression": "tiff_lzw"},
    "ppm": {},
    "gif": {},
}
LARGE = st.sampled_from([0, 1, 4, 255, 8000, 8001, 32768, 65535, 65536, 60_000_000, 0x7FFFFFFF, 0xFFFFFFFF])
SWOLLEN = tuple(zlib.compress(bytes(size)) for size in (9, 1 << 20, 1 << 24))
SIDES = st.one_of(st.integers(1, 9), LARGE)


def picture(height: int = 6, width: int = 8) -> Image.Image:
    return Image.fromarray(np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper()), **options)
    return buffer.getvalue()


@cache
def seeds() -> dict[str, list[bytes]]:
    """Return a few small valid files of each format."""
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = {kind: [encoded(picture(), kind, **options)] for kind, options in KINDS.items()}
    frames = [picture().convert("P"), picture().rotate(180).convert("P")]
    for kind in ("gif", "png", "webp", "tif"):
        found[kind].append(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    found["png"] += [
        encoded(picture(), "png", exif=exif, icc_profile=profile),
        encoded(picture().convert("P"), "png", transparency=3),
    ]
    found["jpg"] += [
        encoded(picture(), "jpg", exif=exif, icc_profile=profile),
        encoded(picture(40, 40), "jpg", progressive=True),
    ]
    found["jpg"] += [encoded(picture(), "mpo", save_all=True, append_images=[picture(9)])]
    found["webp"] += [
        encoded(picture(), "webp", exif=exif, icc_profile=profile),
        encoded(picture().convert("RGBA"), "webp"),
    ]
    found["tif"] += [
        encoded(picture(), "tif", compression=how) for how in (None, "tiff_deflate", "jpeg", "packbits")
    ]
    found["tif"] += [
        encoded(picture().convert("1"), "tif", compression="group4"),
        encoded(picture(), "tif", icc_profile=profile),
    ]
    found["ppm"] += [
        b"P3 2 1 255\n1 2 3 4 5 6",
        b"P2 2 2 9\n1 2 3 4",
        b"P1 2 2\n1 0 0 1",
        b"P4 9 1\n\1\2",
        b"P5 2 2 255\nabcd",
    ]
    found["bmp"] += [bmp(4, 2, 8, 1, b"\4\1\0\0\4\2\0\1"), encoded(picture().convert("P"), "bmp")]
    return found


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@st.composite
def pngs(draw: DrawFn) -> bytes:
    """Draw chunks with right checksums: any header, any order, text and profiles that swell."""
    header = struct.pack(">II", draw(SIDES), draw(SIDES)) + bytes(
        [
            draw(st.sampled_from([1, 2, 4, 8, 16, 0, 255])),
            draw(st.sampled_from([0, 2, 3, 4, 6, 1, 9])),
            0,
            0,
            draw(st.sampled_from([0, 1, 7])),
        ]
    )
    swollen = draw(st.sampled_from(SWOLLEN))
    pieces = [
        (b"IDAT", zlib.compress(bytes(draw(st.integers(0, 300))))), (b"IDAT", swollen), (b"PLTE", bytes(range(9))), (b"tRNS", b"\0\1"),
        (b"acTL", struct.pack(">II", draw(LARGE), 0)), (b"zTXt", b"a\0\0" + swollen), (b"iTXt", b"a\0\1\0\0\0" + swollen), (b"iCCP", b"a\0\0" + swollen),
        (b"iCCP", b"a\0\0" + zlib.compress(draw(st.binary(max_size=200)))), (b"eXIf", b"MM\0*\0\0\0\10" + draw(st.binary(max_size=40))),
        (b"fcTL", bytes(26)), (b"gAMA", b"\0\0\0\0"), (b"pHYs", bytes(9)), (b"sRGB", b""), (b"cHRM", bytes(31)), (b"tEXt", b"a" * 90), (b"IEND", b""),
    ]  # fmt: skip
    body = draw(st.lists(st.sampled_from(pieces), max_size=6))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*piece) for piece in [(b"IHDR", header), *body, (b"IEND", b"")])


def bmp(width: int, height: int, depth: int, compression: int, data: bytes) -> bytes:
    palette = bytes(4 << depth) if depth <= 8 else b""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, len(data), 1, 1, 0, 0)
    offset = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + head + palette + data


@st.composite
def bmps(draw: DrawFn) -> bytes:
    """Draw run lengths whose jumps lie far outside the picture."""
    runs = st.sampled_from([b"\0\2\xff\xff", b"\xff\1", b"\0\0", b"\0\1", b"\0\xff", b"\4\2"])
    signed = SIDES.map(lambda side: min(side, 0x7FFFFFFF))
    depth = draw(st.sampled_from([1, 4, 8, 16, 24, 32]))
    return bmp(
        draw(signed), draw(signed), depth, draw(st.integers(0, 4)), b"".join(draw(st.lists(runs, max_size=40)))
    )


@st.composite
def tiffs(draw: DrawFn) -> bytes:
    """Draw directories with any sizes, strips, tiles and links."""
    any_number = st.one_of(st.integers(0, 9), LARGE)
    said = {
        256: draw(SIDES), 257: draw(SIDES), 258: draw(st.sampled_from([8, 8, 1, 16, 32])), 262: draw(st.sampled_from([2, 1, 0, 3, 5, 6])),
        259: draw(st.sampled_from([1, 5, 8, 7, 32773, 4, 34712, 50000, 50001, 9])), 277: draw(st.sampled_from([3, 1, 4, 65535])),
        273: draw(st.one_of(st.just(300), any_number)), 278: draw(any_number), 279: draw(any_number),
    }  # fmt: skip
    if draw(st.booleans()):
        said |= {322: draw(any_number), 323: draw(any_number), 324: 300, 325: draw(any_number)}
    if draw(st.booleans()):
        said[draw(st.sampled_from([34675, 34665, 338, 339, 317, 320, 700, 274, 330]))] = draw(any_number)
    entries = b"".join(
        struct.pack(
            "<HHII",
            tag,
            draw(st.sampled_from([4, 4, 4, 4, 3, 7, 16])),
            draw(st.sampled_from([1, 1, 1, 1, 4, 1 << 28])),
            value,
        )
        for tag, value in sorted(said.items())
    )
    after = draw(st.sampled_from([0, 0, 8, 10, 290]))
    head = struct.pack("<2sHIH", b"II", 42, 8, len(said)) + entries + struct.pack("<I", after)
    return head.ljust(300, b"\0") + draw(st.sampled_from([bytes(900), SWOLLEN[1], b"\xff\xd8\xff\xd9"]))


@st.composite
def webps(draw: DrawFn) -> bytes:
    """Draw an extended header with any canvas, before any pieces."""
    canvas = b"".join(struct.pack("<I", min(draw(SIDES), 1 << 24) - 1 & 0xFFFFFF)[:3] for _ in range(2))
    pieces = [
        b"VP8X" + struct.pack("<I", 10) + bytes([draw(st.sampled_from([0, 2, 16, 32, 255])), 0, 0, 0]) + canvas
    ]
    lossless = seeds()["webp"][0][12:]
    sized = b"VP8L" + struct.pack("<IBI", 14, 0x2F, draw(st.integers(0, 0xFFFFFFFF)) & 0x1FFFFFFF) + bytes(9)
    pieces += draw(
        st.lists(
            st.sampled_from(
                [lossless, sized, b"ANIM" + struct.pack("<IIH", 6, 0, 0), b"ICCP\4\0\0\0abcd", b"EXIF\2\0\0\0ab"]
            ),
            max_size=4,
        )
    )
    body = b"WEBP" + b"".join(pieces[draw(st.integers(0, 1)) :])
    return b"RIFF" + struct.pack("<I", len(body)) + body


@st.composite
def gifs(draw: DrawFn) -> bytes:
    """Draw a screen and frames of any size and place."""
    two = st.sampled_from([0, 1, 4, 255, 8000, 65535])
    screen = struct.pack("<HHBBB", draw(two), draw(two), draw(st.sampled_from([0, 0x80, 0xF7])), 0, 0)
    frame = (
        b","
        + struct.pack("<HHHHB", draw(two), draw(two), draw(two), draw(two), draw(st.sampled_from([0, 0x80, 0x47])))
        + b"\0" * 6
    )
    data = frame + bytes([draw(st.sampled_from([2, 8, 0, 13])), 4, 0x8C, 0x2D, 0x99, 0x87, 0])
    pieces = st.sampled_from([data, b"!\xf9\4\1\0\0\0\0", b"!\xfe\3abc\0", b"!\xff\vNETSCAPE2.0\3\1\0\0\0", b";"])
    return b"GIF89a" + screen + bytes(6) + b"".join(draw(st.lists(pieces, max_size=5))) + data + b";"


@st.composite
def ppms(draw: DrawFn) -> bytes:
    magic = draw(st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6", "Pf", "PF", "P7", "Pyf"]))
    numbers = [str(draw(SIDES)) for _ in range(2)] + [str(draw(st.sampled_from([255, 0, 1, 65535, 65536, -1])))]
    return f"{magic} {' '.join(numbers)}\n".encode() + draw(
        st.one_of(st.binary(max_size=80), st.just(b"9" * 5000))
    )


def job(name: str):
    return lambda content: Job("image", {name: content}, (name,))


def test_any_png(explore):
    explore(pngs().map(job("a.png")), 20)


def test_any_other_format(explore):
    explore(st.one_of(bmps(), tiffs(), webps(), gifs(), ppms()).map(job("a.img")), 50)


def test_damaged_images(explore):
    every = [content for contents in seeds().values() for content in contents]
    damaged = st.sampled_from(sorted(seeds())).flatmap(lambda kind: mutated(seeds()[kind]))
    explore(st.one_of(damaged, mutated(every)).map(job("a.img")), 80)


@st.composite
def profiles(draw: DrawFn) -> bytes:
    sound = [
        ImageCms.ImageCmsProfile(ImageCms.createProfile(*one)).tobytes()
        for one in (("sRGB",), ("LAB", 5000), ("XYZ",))
    ]
    mode = draw(st.sampled_from(["RGB", "L"]))
    return encoded(picture().convert(mode), "png", icc_profile=draw(mutated(sound)))


def test_damaged_colour_profiles(explore):
    explore(profiles().map(job("a.png")), 15)


MEMBERS = st.one_of(
    st.sampled_from(
        ["a.png", "../../../secret.png", "/etc/x.png", "..\\..\\x.png", "C:\\x.png", "a/b.png", "a\0b.png", "é.png", "." * 300 + ".png", "9" * 5000 + ".png",
         "x/" * 2000 + "a.png", "\n.png", "\x1b[31m.png", "; touch x.png", ".png", "a.PNG", "CON.png", "~/x.png"]
    ),
    st.text(max_size=6).map(lambda text: f"{text}.png"),
)  # fmt: skip


@st.composite
def archives(draw: DrawFn) -> bytes:
    """Draw a .zip of any names, links, methods and sizes."""
    buffer = io.BytesIO()
    how = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
    with zipfile.ZipFile(buffer, "w", how) as opened:
        for name in draw(st.lists(MEMBERS, max_size=4, unique=True)):
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            info.compress_type = how
            info.external_attr = draw(st.sampled_from([0o644, 0o120777, 0o40755, 0o10644])) << 16
            content = draw(st.sampled_from([seeds()["png"][0], b"../../../secret.png", b"", bytes(1 << 18)]))
            opened.writestr(info, content)
    return buffer.getvalue()


def test_any_archive(explore):
    explore(archives().map(lambda content: Job("archive", {"a.zip": content}, ("a.zip",))), 25)


@st.composite
def lying_archives(draw: DrawFn) -> bytes:
    """Draw an archive whose directory says other sizes, methods and flags than its members have."""
    content = bytearray(draw(archives()))
    for found in [at for at in range(len(content) - 46) if content[at : at + 4] == b"PK\1\2"][:4]:
        field, form = draw(
            st.sampled_from([(8, "<H"), (10, "<H"), (16, "<I"), (20, "<I"), (24, "<I"), (28, "<H"), (42, "<I")])
        )
        value = draw(st.one_of(st.sampled_from([0, 1, 8, 9, 12, 14, 93, 99, 0x800]), LARGE))
        struct.pack_into(form, content, found + field, value & (256 ** struct.calcsize(form) - 1))
    return bytes(content)


def test_damaged_archives(explore):
    sound = archives().flatmap(lambda content: mutated([content]))
    explore(
        st.one_of(sound, lying_archives()).map(lambda content: Job("archive", {"a.zip": content}, ("a.zip",))), 80
    )


@cache
def databases() -> tuple[bytes, ...]:
    """Return two databases as LMDB writes them: one page, and a tree of several with long values."""
    found = []
    for values in (
        {b"a": seeds()["png"][0], b"b": b"text"},
        {b"%03d" % n: seeds()["png"][0] * (1 + 60 * (n == 7)) for n in range(60)},
    ):
        with tempfile.TemporaryDirectory() as folder:
            with lmdb.open(folder, map_size=1 << 24) as opened, opened.begin(write=True) as transaction:
                for key, value in values.items():
                    transaction.put(key, value)
            found.append((Path(folder) / "data.mdb").read_bytes().rstrip(b"\0") + bytes(64))
    return tuple(found)


def test_damaged_databases(explore):
    damaged = st.sampled_from(databases()).flatmap(lambda content: mutated([content], most=8))
    explore(damaged.map(lambda content: Job("archive", {"db/data.mdb": content}, ("db",))), 30)


def test_any_preparation(explore):
    texts = st.one_of(
        st.builds(
            "{}:{}".format,
            st.sampled_from(["squash", "centre-crop", "none"]),
            st.one_of(LARGE.map(str), st.text(max_size=5), st.just("9" * 4400)),
        ),
        st.text(max_size=12),
    )
    explore(texts.filter(lambda text: text != "squash:8000").map(lambda text: Job("preparation", {}, (text,))), 30)


def test_whole_files_are_read(child):
    for kind, contents in seeds().items():
        assert child.run(job(f"a.{kind}")(contents[0])) == ("good", "8x6")
    assert child.run(Job("archive", {"db/data.mdb": databases()[0]}, ("db",))) == ("good", "2 names, 1 images")
    assert child.run(Job("archive", {"db/data.mdb": databases()[1]}, ("db",))) == ("good", "60 names, 4 images")
