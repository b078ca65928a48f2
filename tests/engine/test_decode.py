import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lookalike_engine.decode import Picture, decode
from lookalike_engine.errors import SkippedError, SkipReason
from lookalike_engine.exact import pixel_hash
from lookalike_engine.formats import sniff
from lookalike_engine.hashing import DETAIL_FLOOR, grid_of, hash_grids
from lookalike_engine.orientation import Orientation
from lookalike_engine.pillow import prepare
from tests.pictures import jpeg_bytes, scene, turned_for_exif

MAX_PIXELS = 10_000_000
SIDEWAYS = (400, 300)


@pytest.fixture(autouse=True)
def _pillow_prepared() -> None:
    prepare(MAX_PIXELS)


def encoded(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> Picture:
    return decode(data, sniff(data[:64]), MAX_PIXELS)


def reason(data: bytes) -> SkipReason:
    with pytest.raises(SkippedError) as caught:
        decoded(data)
    return caught.value.reason


def hashes(data: bytes) -> NDArray[np.uint8]:
    packed, _ = hash_grids(grid_of(decoded(data))[None])
    first: NDArray[np.uint8] = packed[0]
    return first


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def exact_key(data: bytes) -> bytes:
    return pixel_hash(data, sniff(data[:64]), MAX_PIXELS)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_decodes_to_the_same_picture_whatever_its_name(image_format: str) -> None:
    picture = scene(5, SIDEWAYS)
    data = encoded(picture, image_format)
    assert (decoded(data).width, decoded(data).height) == SIDEWAYS
    assert distance(hashes(data)[0], hashes(encoded(picture, "PNG"))[0]) <= 12


def test_heic_decodes_like_any_other_format() -> None:
    import pillow_heif  # noqa: PLC0415 - the engine loads it for HEIC files alone

    buffer = io.BytesIO()
    pillow_heif.from_pillow(scene(5, SIDEWAYS)).save(buffer, quality=90)
    assert distance(hashes(buffer.getvalue())[0], hashes(encoded(scene(5, SIDEWAYS), "PNG"))[0]) <= 12
    assert reason(buffer.getvalue()[:-500]) is SkipReason.TRUNCATED


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_turns_a_picture_upright(orientation: int, image_format: str) -> None:
    upright = scene(6, SIDEWAYS)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(turned_for_exif(upright, orientation), image_format, exif=exif)
    assert (decoded(data).width, decoded(data).height) == SIDEWAYS
    assert distance(hashes(data)[0], hashes(encoded(upright, "PNG"))[0]) <= 8
    if image_format in {"PNG", "TIFF"}:
        assert exact_key(data) == exact_key(encoded(upright, "PNG"))


@pytest.mark.parametrize("orientation", Orientation)
def test_the_hash_of_a_turned_picture_is_known_before_it_is_turned(orientation: Orientation) -> None:
    picture = scene(7, (403, 298))
    pixels = np.asarray(picture)
    steps = orientation.steps
    pixels = pixels.swapaxes(0, 1) if steps.transpose else pixels
    pixels = pixels[::-1] if steps.flip_rows else pixels
    pixels = pixels[:, ::-1] if steps.flip_columns else pixels
    turned = Image.fromarray(np.ascontiguousarray(pixels))
    known = hashes(encoded(picture, "PNG"))[orientation]
    assert distance(known, hashes(encoded(turned, "PNG"))[0]) <= 4
    assert distance(known, hashes(jpeg_bytes(turned))[0]) <= 8


def test_different_scenes_are_far_apart_in_every_orientation() -> None:
    one, other = hashes(jpeg_bytes(scene(8))), hashes(jpeg_bytes(scene(9)))
    assert min(distance(one[turn], other[0]) for turn in range(8)) > 80


def test_a_16_bit_grey_picture_is_scaled_and_equals_its_8_bit_copy() -> None:
    grey = scene(10, SIDEWAYS).convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert distance(hashes(encoded(deep, "PNG"))[0], hashes(encoded(grey, "PNG"))[0]) <= 2
    assert exact_key(encoded(deep, "PNG")) == exact_key(encoded(grey, "PNG"))
    finer = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257 - 1)
    assert exact_key(encoded(finer, "PNG")) != exact_key(encoded(grey, "PNG"))


def test_cmyk_palette_and_grey_pictures_keep_their_look() -> None:
    picture = scene(11, SIDEWAYS)
    plain = hashes(encoded(picture, "PNG"))[0]
    assert distance(hashes(encoded(picture.convert("CMYK"), "JPEG", quality=95))[0], plain) <= 12
    assert distance(hashes(encoded(picture.convert("P"), "PNG"))[0], plain) <= 24
    assert distance(hashes(encoded(picture.convert("L"), "PNG"))[0], plain) <= 6


def test_transparency_shows_white_and_hidden_colours_do_not_count() -> None:
    picture = np.asarray(scene(12, SIDEWAYS).convert("RGBA")).copy()
    picture[:150, :, 3] = 0
    recoloured = picture.copy()
    recoloured[:150, :, :3] = 77
    on_white = np.asarray(scene(12, SIDEWAYS)).copy()
    on_white[:150] = 255
    one, other = (encoded(Image.fromarray(pixels), "PNG") for pixels in (picture, recoloured))
    assert distance(hashes(one)[0], hashes(encoded(Image.fromarray(on_white), "PNG"))[0]) <= 6
    assert exact_key(one) == exact_key(other)
    assert exact_key(one) != exact_key(encoded(Image.fromarray(on_white), "PNG"))


def test_an_opaque_picture_equals_itself_without_an_alpha_channel() -> None:
    picture = scene(13, SIDEWAYS)
    assert exact_key(encoded(picture.convert("RGBA"), "PNG")) == exact_key(encoded(picture, "BMP"))


def test_an_animation_shows_its_first_frame_and_equals_byte_copies_alone() -> None:
    frames = [scene(seed, SIDEWAYS).convert("P") for seed in (14, 15, 16)]
    film = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    shorter = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:2])
    assert distance(hashes(film)[0], hashes(encoded(frames[0], "PNG"))[0]) <= 6
    assert exact_key(film) == exact_key(film)
    assert exact_key(film) != exact_key(shorter)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_skipped_as_such(image_format: str, share: float) -> None:
    data = encoded(scene(17, SIDEWAYS), image_format)
    assert reason(data[: int(len(data) * share)]) is SkipReason.TRUNCATED


def test_a_bomb_is_refused_by_its_header_alone() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0"))
        + png_chunk(b"IEND", b"")
    )
    assert reason(bomb) is SkipReason.TOO_LARGE


@pytest.mark.parametrize(
    "remark",
    [
        png_chunk(b"cHRM", bytes(31)),
        png_chunk(b"gAMA", b"\0\0\xb1\x8f")[:-1] + b"?",
        png_chunk(b"zTXt", b"Comment\0\x78" + zlib.compress(b"of an unknown compression")),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000))),
    ],
    ids=["too short", "wrong checksum", "unknown compression", "a bomb"],
)
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_damage_to_what_a_png_only_remarks_is_none_to_the_picture(remark: bytes, before: bytes) -> None:
    whole = encoded(scene(21, SIDEWAYS), "PNG")
    place = whole.index(before) - 4
    remarked = whole[:place] + remark + whole[place:]
    assert (hashes(remarked) == hashes(whole)).all()
    assert exact_key(remarked) == exact_key(whole)


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT"])
def test_damage_to_what_a_png_shows_is_told(kind: bytes) -> None:
    data = bytearray(encoded(scene(21, SIDEWAYS), "PNG"))
    data[data.index(kind) + 12] ^= 0xFF
    assert reason(bytes(data)) is SkipReason.DAMAGED


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", SkipReason.EMPTY),
        (b"plain text, no picture", SkipReason.NOT_AN_IMAGE),
        (b"BMW and other cars, a list of names and prices", SkipReason.NOT_AN_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", SkipReason.NOT_AN_IMAGE),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", SkipReason.NOT_AN_IMAGE),
        (b"8BPS\0\x01", SkipReason.UNSUPPORTED),
        (b"II*\0\x10\0\0\0CR\x02\0", SkipReason.UNSUPPORTED),
    ],
)
def test_what_is_no_readable_image_is_told_by_its_content(head: bytes, expected: SkipReason) -> None:
    assert reason(head) is expected


def test_random_damage_is_a_reason_and_never_a_crash() -> None:
    rng = np.random.default_rng(18)
    for image_format in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
        whole = encoded(scene(18, (96, 80)), image_format)
        for _ in range(40):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 12):
                data[place] = int(rng.integers(256))
            try:
                picture = decoded(bytes(data))
            except SkippedError:
                continue
            assert picture.width > 0


@pytest.mark.parametrize("colour", ["white", "black", (90, 120, 200)])
def test_a_blank_picture_has_too_little_detail_to_hash(colour: str) -> None:
    _, detail = hash_grids(grid_of(decoded(jpeg_bytes(Image.new("RGB", SIDEWAYS, colour))))[None])
    assert detail[0] < DETAIL_FLOOR


def test_a_scene_has_detail_enough() -> None:
    _, detail = hash_grids(grid_of(decoded(jpeg_bytes(scene(19))))[None])
    assert detail[0] > 3 * DETAIL_FLOOR


def test_camera_raw_previews_inside_a_tiff_are_not_taken_for_the_picture(tmp_path: Path) -> None:
    place = tmp_path / "raw.tif"
    scene(20, (64, 48)).save(place, tiffinfo={254: 1})
    assert reason(place.read_bytes()) is SkipReason.UNSUPPORTED
