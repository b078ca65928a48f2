"""`lookalike check-image` as a script runs it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import ImageOps

from tests.e2e.api_process import api_process
from tests.pictures import jpeg_bytes, scene, tree_digest

CAT = (320, 240)
FOUND, NONE, TROUBLE = 0, 1, 2


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of pets beside new pictures."""
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "cat.jpg").write_bytes(jpeg_bytes(scene(1, CAT)))
    (tmp_path / "pets" / "dog.jpg").write_bytes(jpeg_bytes(scene(2, CAT)))
    (tmp_path / "new cat.jpg").write_bytes(jpeg_bytes(ImageOps.mirror(scene(1, CAT)), 60))
    (tmp_path / "bird.jpg").write_bytes(jpeg_bytes(scene(77, CAT)))
    return tmp_path


def check_image(at: Path, *arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lookalike_server", "check-image", *arguments],
        env={**os.environ, "HOME": str(at / "home"), "LOOKALIKE_CACHE_DIR": str(at / "cache"), **environment},
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_relative_path_is_checked_and_the_exit_code_says_whether_there_is_a_copy(place: Path) -> None:
    before = tree_digest(place / "pets")
    copy = check_image(place, "new cat.jpg", "pets")
    other = check_image(place, "bird.jpg", "pets")
    itself = check_image(place, "pets/cat.jpg", "pets")
    assert (copy.returncode, other.returncode, itself.returncode) == (FOUND, NONE, NONE), copy.stderr
    assert "cat.jpg  0.99 mirrored  320×240" in copy.stdout
    assert "0 images alike" in other.stdout
    assert "It is itself cat.jpg of this dataset" in itself.stdout
    assert tree_digest(place / "pets") == before


def test_several_images_are_answered_in_their_order_and_any_error_is_the_exit_code(place: Path) -> None:
    (place / "text.jpg").write_text("no picture")
    os.mkfifo(place / "pipe.jpg")
    both = check_image(place, "bird.jpg", "new cat.jpg", "pets", "--json")
    assert both.returncode == FOUND
    decoder, text, answers = json.JSONDecoder(), both.stdout, list[dict[str, Any]]()
    while text.strip():
        answer, end = decoder.raw_decode(text.strip())
        answers.append(answer)
        text = text.strip()[end:]
    assert [Path(answer["checked"]["image"]).name for answer in answers] == ["bird.jpg", "new cat.jpg"]
    assert [answer["checked"]["alike"] for answer in answers] == [0, 1]

    troubled = check_image(place, "text.jpg", "pipe.jpg", "missing.jpg", "new cat.jpg", "pets")
    assert troubled.returncode == TROUBLE
    assert troubled.stdout.count("checked") == 0
    assert "cat.jpg  0.99" in troubled.stdout
    first, second, third = troubled.stderr.splitlines()
    assert "text.jpg" in first
    assert "There is no image at" in first
    assert '"pipe.jpg" is no regular file' in second
    assert 'There is no file or folder "missing.jpg"' in third


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are no Unicode")
def test_a_name_that_is_no_unicode_is_checked_all_the_same(place: Path) -> None:
    name = b"caf\xe9.jpg"
    (place / os.fsdecode(name)).write_bytes((place / "new cat.jpg").read_bytes())
    done = check_image(place, name, "pets")
    assert done.returncode == FOUND, done.stderr
    assert "caf%E9.jpg" in done.stdout


def test_the_dataset_can_come_from_the_configuration(place: Path) -> None:
    (place / "config.toml").write_text('[sources.home]\nfolders = ["pets", "birds=home"]\n')
    (place / "home").mkdir()
    done = check_image(place, "new cat.jpg", "--config", "config.toml", "--dataset", "home/pets")
    assert done.returncode == FOUND, done.stderr
    named = check_image(place, "new cat.jpg", "animals=pets")
    assert named.returncode == FOUND, named.stderr
    assert named.stdout.startswith("animals ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pets"], "no image was given"),
        (["new cat.jpg"], "nothing to look at"),
        (["new cat.jpg", "pets", "--similarity", "95"], "did you mean 0.95?"),
        (["new cat.jpg", "pets", "--similarity", "0.2"], "Ask for 0.70 or more"),
        (["new cat.jpg", "pets", "--dataset", "cats"], "There is no dataset"),
        (["new cat.jpg", "pets", "--signals", "lite"], "choose hash, lite0, sscd"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_asked_is_said_with_exit_code_two(place: Path, arguments: list[str], said: str) -> None:
    done = check_image(place, *arguments)
    assert done.returncode == TROUBLE
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_image_larger_than_the_engine_opens_is_refused(place: Path) -> None:
    with (place / "huge.jpg").open("wb") as huge:
        huge.write((place / "bird.jpg").read_bytes())
        huge.truncate(513 * 1024 * 1024)  # sparse: it takes no room
    done = check_image(place, "huge.jpg", "pets")
    assert done.returncode == TROUBLE
    assert "larger than the engine opens" in done.stderr


def test_the_api_which_other_users_can_reach_opens_nothing_outside_its_folders(place: Path) -> None:
    with api_process([place / "pets"], place / "cache") as (address, _):
        with urllib.request.urlopen(f"{address}/api/v1/datasets") as answer:
            (dataset,) = json.load(answer)

        def asked(image: Path) -> dict[str, Any]:
            query = urlencode({"anchor_uri": image.as_uri()})
            with urllib.request.urlopen(f"{address}/api/v1/explore/{dataset['id']}/similar_images?{query}") as answer:
                found: dict[str, Any] = json.load(answer)
                return found

        assert asked(place / "new cat.jpg")["anchor"] == {"refusal": "not served"}
        assert asked(place / "pets" / "cat.jpg")["anchor"]["file_path"] == "cat.jpg"
