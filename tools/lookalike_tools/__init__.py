"""The tools and what they need: the Explore client, the result models, their rendering."""

from lookalike_tools import duplicates, summary, unique
from lookalike_tools.asking import ask_namespace
from lookalike_tools.datasets import resolve_dataset
from lookalike_tools.duplicates import find_duplicates
from lookalike_tools.errors import LookalikeError, UnusableImage
from lookalike_tools.explore.address import checked_base_url, proxy_variable
from lookalike_tools.explore.client import ExploreClient
from lookalike_tools.explore.credentials import Credentials
from lookalike_tools.explore.models import Dataset, state_of
from lookalike_tools.namespace import Namespace, Outages
from lookalike_tools.progress import Progress
from lookalike_tools.queries import DuplicatesQuery, SummaryQuery, UniqueQuery
from lookalike_tools.readiness import refuse_outdated, wait_until_ready
from lookalike_tools.results.answer import Answer
from lookalike_tools.results.duplicates import DuplicatesAnswer
from lookalike_tools.results.summary import SummaryAnswer
from lookalike_tools.results.unique import UniqueAnswer
from lookalike_tools.summary import summarize_clusters
from lookalike_tools.trial import Trial, try_questions
from lookalike_tools.unique import find_unique
from lookalike_tools.untrusted import UntrustedPath, UntrustedText, named, quoted

__all__ = [
    "Answer",
    "Credentials",
    "Dataset",
    "DuplicatesAnswer",
    "DuplicatesQuery",
    "ExploreClient",
    "LookalikeError",
    "Namespace",
    "Outages",
    "Progress",
    "SummaryAnswer",
    "SummaryQuery",
    "Trial",
    "UniqueAnswer",
    "UniqueQuery",
    "UntrustedPath",
    "UntrustedText",
    "UnusableImage",
    "ask_namespace",
    "checked_base_url",
    "duplicates",
    "find_duplicates",
    "find_unique",
    "named",
    "proxy_variable",
    "quoted",
    "refuse_outdated",
    "resolve_dataset",
    "state_of",
    "summarize_clusters",
    "summary",
    "try_questions",
    "unique",
    "wait_until_ready",
]
