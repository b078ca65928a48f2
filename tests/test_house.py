"""The rules of the house that a reader relies on: who may import whom, and how large a module may be."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "lookalike_server": ROOT / "server" / "lookalike_server",
    "lookalike_tools": ROOT / "tools" / "lookalike_tools",
    "lookalike_engine": ROOT / "engine" / "lookalike_engine",
}
FORBIDDEN = {
    "lookalike_tools": {"mcp", "mcp_types", "lookalike_server", "lookalike_engine"},
    "lookalike_engine": {"mcp", "mcp_types", "lookalike_server", "lookalike_tools", "httpx"},
    "lookalike_server": {"httpx"},
}
LONGEST_MODULE = 400
MEDIAN_MODULE = 150


def modules(package: str) -> list[Path]:
    return sorted(PACKAGES[package].rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """The top-level names of everything a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_only_what_it_may_know(package: str) -> None:
    broken = {
        str(module.relative_to(ROOT)): sorted(found)
        for module in modules(package)
        if (found := FORBIDDEN[package] & set(imported(module)))
    }
    assert not broken


def test_one_module_alone_imports_httpx() -> None:
    importers = [module.name for package in PACKAGES for module in modules(package) if "httpx" in imported(module)]
    assert len(importers) == 1, importers


def test_modules_are_small() -> None:
    lengths = {
        str(module.relative_to(ROOT)): len(module.read_text(encoding="utf-8").splitlines())
        for package in PACKAGES
        for module in modules(package)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}
    assert statistics.median(lengths.values()) < MEDIAN_MODULE


def test_starting_the_server_loads_nothing_that_only_answering_needs() -> None:
    program = (
        "import sys, tempfile; from pathlib import Path\n"
        "from lookalike_server.app import create_server\n"
        "from lookalike_server.configuration import load_configuration\n"
        "from lookalike_server.connections import Connections\n"
        "configuration = load_configuration({'cache_dir': Path(tempfile.mkdtemp())}, [tempfile.mkdtemp()])\n"
        "create_server(Connections(configuration))\n"
        "heavy = {'numpy', 'duckdb', 'PIL', 'simplejpeg', 'pillow_heif', 'faiss', 'onnxruntime'}\n"
        "heavy |= {'httpx', 'ijson', 'jwt', 'tqdm', 'tomllib'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
