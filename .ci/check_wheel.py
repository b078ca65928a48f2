"""Build the wheel, look into it, install it into an environment of its own, and use it from there."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"lookalike_server": "server", "lookalike_tools": "tools", "lookalike_engine": "engine"}
LARGEST_WHEEL = 8_000_000
"""Bytes. Nearly all of it is the embedding model, at most 7 MB; more means that something slipped in."""


def main() -> None:
    """Check the wheel; the first thing wrong ends the run with its description."""
    with tempfile.TemporaryDirectory(prefix="lookalike-wheel-") as scratch:
        wheel = build(Path(scratch) / "dist")
        check_contents(wheel)
        python = install(wheel, Path(scratch) / "venv")
        use(python, Path(scratch))
    print("The wheel is complete, installs on its own, and works.")


def build(folder: Path) -> Path:
    """The one wheel, built from this checkout."""
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Every module of the three packages is inside, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
        entry_points = next(name for name in inside if name.endswith("entry_points.txt"))
        scripts = archive.read(entry_points).decode()
    code = {name for name in inside if ".dist-info/" not in name}
    tracked = run("git", "-C", str(ROOT), "ls-files", "--cached", *PACKAGES.values()).splitlines()
    wanted = {name.partition("/")[2] for name in tracked}
    if code != wanted:
        fail(f"the wheel lacks {sorted(wanted - code)} and has {sorted(code - wanted)} on top")
    for legal in ("LICENSE", "NOTICE"):
        if not any(name.endswith(f"/{legal}") for name in inside):
            fail(f"the wheel has no {legal}")
    if "lookalike = lookalike_server.cli:main" not in scripts:
        fail("the wheel has no console script called lookalike")
    if (size := wheel.stat().st_size) > LARGEST_WHEEL:
        fail(f"the wheel has {size:,} bytes, more than {LARGEST_WHEEL:,}")
    print(f"{wheel.name}: {len(code)} files, {wheel.stat().st_size:,} bytes")


def install(wheel: Path, environment: Path) -> Path:
    """An environment with the wheel and what it asks for, and nothing else. Returns its Python."""
    run("uv", "venv", "--quiet", "--python", sys.executable, str(environment))
    python = environment / "bin" / "python"
    run("uv", "pip", "install", "--quiet", "--python", str(python), str(wheel))
    return python


def use(python: Path, scratch: Path) -> None:
    """The console script finds the two copies among three pictures."""
    pictures = scratch / "pictures"
    pictures.mkdir()
    script = (
        "import sys; from pathlib import Path; from PIL import Image;"
        "folder = Path(sys.argv[1]);"
        "noise = Image.effect_noise((200, 150), 90); noise.save(folder / 'a.png'); noise.save(folder / 'b.bmp');"
        "Image.effect_mandelbrot((200, 150), (-2, -1.2, 1, 1.2), 60).save(folder / 'c.png')"
    )
    run(str(python), "-c", script, str(pictures))
    lookalike = str(python.with_name("lookalike"))
    for flag in ("--version", "--help"):
        run(lookalike, flag)
    cache = str(scratch / "cache")
    answer = json.loads(run(lookalike, "duplicates", "--json", "--cache-dir", cache, str(pictures)))
    if answer["totals"]["images"] != 3 or answer["totals"]["removable"] != 1:  # noqa: PLR2004 — the three pictures above
        fail(f"the installed command answered {answer}")


def run(*command: str) -> str:
    """Run a command from a neutral folder, so that the checkout cannot stand in for the wheel."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, cwd=tempfile.gettempdir(), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def fail(what: str) -> None:
    """End the run."""
    raise SystemExit(f"wheel check: {what}")


if __name__ == "__main__":
    main()
