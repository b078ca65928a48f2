"""Print the duplicate clusters of a dataset. Run as: duplicate_retrieval.py BASE_URL DATASET_ID."""

import json
import os
import sys

import requests

BASE_URL, DATASET_ID = sys.argv[1:]

params: dict[str, str | int] = {
    "vql": json.dumps([{"duplicates": {"op": "duplicates", "value": 0.95}}]),
    "entity_type": "IMAGES",
    "threshold": 0,
    "page_number": 0,
}
response = requests.get(
    f"{BASE_URL}/api/v1/explore/{DATASET_ID}",
    headers={"Authorization": f"Bearer {os.environ.get('VISUAL_LAYER_TOKEN', 'none')}"},
    params=params,
    timeout=60,
)
response.raise_for_status()

for number, cluster in enumerate(response.json()["clusters"], start=1):
    print(f"Cluster {number}: {cluster['n_images']} images")  # noqa: T201 - a program that prints
    for file_name in sorted(preview["file_name"] for preview in cluster["previews"]):
        print(f"  {file_name}")  # noqa: T201 - as above
