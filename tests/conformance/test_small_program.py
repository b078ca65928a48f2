"""A script in the style of the vendor's own examples, run as it is against the engine on loopback."""

import subprocess
import sys
from pathlib import Path

from lookalike_engine import Engine, EngineSettings, FolderDataset
from tests.loopback import served
from tests.pictures import save_set

SCRIPT = """
import json
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

base_url, dataset_name = sys.argv[1:]
datasets = json.load(urlopen(f"{base_url}/api/v1/datasets"))
dataset_id = next(each["id"] for each in datasets if each["display_name"] == dataset_name)
query = urlencode({
    "vql": json.dumps([{"duplicates": {"op": "duplicates", "value": 0.95}}]),
    "entity_type": "IMAGES",
    "threshold": 0,
    "page_number": 0,
})
answer = json.load(urlopen(f"{base_url}/api/v1/explore/{dataset_id}?{query}"))
for cluster in answer["clusters"]:
    print(cluster["n_images"], *sorted(preview["file_name"] for preview in cluster["previews"]), sep="|")
"""


def test_one_get_with_vql_prints_the_clusters_and_their_file_names(tmp_path: Path) -> None:
    truth = save_set(tmp_path / "holidays")
    engine = Engine([FolderDataset("holidays", (tmp_path / "holidays",))], EngineSettings(cache_dir=tmp_path / "cache"))
    try:
        with served(engine.app) as url:
            script = [sys.executable, "-c", SCRIPT, url, "holidays"]
            printed = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    finally:
        engine.close()
    expected = [
        "|".join([str(len(cluster)), *sorted(path.rpartition("/")[2] for path in cluster)])
        for cluster in truth.clusters
    ]
    assert sorted(printed.splitlines()) == sorted(expected)
