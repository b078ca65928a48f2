"""``lookalike check``: try everything that a question would need, and say what would fail."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio

from lookalike_server.configuration import Configuration
from lookalike_server.connections import UNUSABLE, connect, engine_of
from lookalike_server.folder_check import cache_problem, describe_folders
from lookalike_server.secret import read_by_others, shown_path
from lookalike_server.settings import variable_of
from lookalike_server.settings_shown import settings_lines
from lookalike_server.sources import FolderSource, ServerSource, SourceSettings, shown_url
from lookalike_server.terminal import Bar
from lookalike_tools import (
    Dataset,
    ExploreClient,
    LookalikeError,
    Trial,
    proxy_variable,
    quoted,
    state_of,
    try_questions,
)
from lookalike_tools.datasets import Listed, choices, the_one, unlisted_dataset
from lookalike_tools.results.answer import counted

Say = Callable[[str], None]

MOST_TRIED = 50
"""Datasets of one source that are tried; the others are named."""

_AT_ONCE = 4


@dataclass
class Findings:
    """The lines about one source, in order, how many of them tell of a failure or a warning, and its datasets."""

    lines: list[str] = field(default_factory=list[str])
    problems: int = 0
    warnings: int = 0
    listed: list[Listed] = field(default_factory=list[Listed])

    def fine(self, text: str, depth: int = 1) -> None:
        """Something that works, or is only worth knowing."""
        self.lines.append(f"{'  ' * depth}{text}")

    def problem(self, text: object, depth: int = 1) -> None:
        """Something that would fail, and how to mend it."""
        self.problems += 1
        self.fine(f"FAILS  {str(text).rstrip('.')}", depth)

    def warning(self, text: str, depth: int = 1) -> None:
        """Something that works and should not be left so."""
        self.warnings += 1
        self.fine(f"WARNING  {text}", depth)


async def check_all(configuration: Configuration, say: Say) -> bool:
    """Say what the settings are, then what each source answers; whether nothing would fail."""
    findings = Findings()
    findings.lines += settings_lines(configuration)
    for problem in configuration.problems:
        findings.problem(problem)
    if not configuration.sources and configuration.problems:
        findings.fine("No source is left to try")
    elif not configuration.sources:
        findings.problem(
            f"There is no source: name a folder, set {variable_of('base_url')}, or write one into a configuration file"
        )
    _tell(findings, say)
    with Bar() as bar:
        # Each source is tried beside the others, and told of in its turn.
        tasks = [asyncio.create_task(_check(configuration, source, bar)) for source in configuration.sources]
        found = [findings]
        for task in tasks:
            found.append(await task)
            bar.close()
            _tell(found[-1], say)
    found.append(_check_preset(configuration, [each for findings in found for each in findings.listed]))
    _tell(found[-1], say)
    problems, warnings = sum(each.problems for each in found), sum(each.warnings for each in found)
    say(f"\n{_verdict(problems)}{_besides(warnings)}")
    return problems == 0


async def _check(configuration: Configuration, source: SourceSettings, bar: Bar) -> Findings:
    findings = Findings([f"\nSource {source.name}, from {source.where}"])
    try:
        if isinstance(source, FolderSource):
            await _check_folders(configuration, source, findings)
        else:
            await _check_server(configuration, source, findings, bar)
    except UNUSABLE as error:
        findings.problem(error)
    return findings


async def _check_folders(configuration: Configuration, source: FolderSource, findings: Findings) -> None:
    folders = await anyio.to_thread.run_sync(describe_folders, configuration.settings, source)
    for line, is_problem in folders:
        (findings.problem if is_problem else findings.fine)(line)
    if source.signals is not None:
        findings.fine(f"compared by signals of its own: {quoted(source.signals)}")
    # Of the command line all are served or none.
    unserved = any if source.level == "command line" else all
    none_served = unserved(is_problem for _, is_problem in folders)
    problem = cache_problem(configuration.settings.cache_dir)
    if problem is not None:
        findings.problem(problem)
    if none_served or problem is not None:
        return
    engine, _ = engine_of(configuration.settings, source)
    try:
        async with ExploreClient.for_app(engine.app) as explore:
            for dataset in await explore.datasets():
                findings.listed.append(Listed(dataset, source.name))
                findings.fine(_described(dataset))
                if state_of(dataset) == "DRAFT":
                    findings.fine("not indexed yet: the first question does it, or lookalike index", 2)
    finally:
        await anyio.to_thread.run_sync(engine.close)


async def _check_server(configuration: Configuration, source: ServerSource, findings: Findings, bar: Bar) -> None:
    proxy = proxy_variable(source.base_url)
    through = "" if proxy is None else f", through the proxy of {proxy}"
    findings.fine(f"{shown_url(source.base_url)}, {source.timeout:g} s for a question{through}")
    _check_secrets(configuration, source, findings)
    async with connect(source) as explore:
        async with explore.question():
            datasets = await explore.datasets()
            credential = "the credential is accepted" if source.secrets else "without a credential"
            findings.fine(f"reachable, {credential}; {counted(len(datasets), 'dataset')}")
            datasets = [*await _preset_by_id(configuration, explore, datasets), *datasets]
        if not datasets:
            findings.problem("It lists no dataset. Check the key's access, or make a dataset on the server")
        slots, done = asyncio.Semaphore(_AT_ONCE), 0
        to_try = [dataset for dataset in datasets if state_of(dataset) != "INDEXING"][:MOST_TRIED]

        async def tried(dataset: Dataset) -> Trial:
            nonlocal done
            async with slots:
                trial = await try_questions(explore, dataset)
            done += 1
            await bar(done, len(to_try), f"trying the datasets of {source.name}")
            return trial

        trials = dict(
            zip((it.id for it in to_try), await asyncio.gather(*(tried(dataset) for dataset in to_try)), strict=True)
        )
    for dataset in datasets:
        findings.listed.append(Listed(dataset, source.name))
        findings.fine(_described(dataset))
        if dataset.id in trials:
            _tell_trial(trials[dataset.id], findings)
        else:
            is_indexing = state_of(dataset) == "INDEXING"
            why = "it is being indexed; ask again later" if is_indexing else f"only {MOST_TRIED} of a source are"
            findings.fine(f"not tried: {why}", 2)


async def _preset_by_id(
    configuration: Configuration, explore: ExploreClient, datasets: Sequence[Dataset]
) -> list[Dataset]:
    """The dataset for questions that name none, where the server has it and does not list it."""
    preset = configuration.settings.dataset
    if preset is None or any(dataset.id == preset for dataset in datasets):
        return []
    unlisted = await unlisted_dataset(explore, preset)
    return [] if unlisted is None else [unlisted]


def _check_secrets(configuration: Configuration, source: ServerSource, findings: Findings) -> None:
    for secret in source.secrets:
        shown = "set, not shown" if secret.file is None else shown_path(secret.file)
        findings.fine(f"{secret.where}: {shown}")
        if secret.file is not None and read_by_others(secret.file):
            findings.warning(f"The rights of {quoted(str(secret.file))} let other users read it: chmod 600", 2)
    file = configuration.file
    is_inline = source.level == "file" and any(secret.file is None for secret in source.secrets)
    if is_inline and file is not None and read_by_others(file):
        findings.warning(f"The rights of {quoted(str(file))} let other users read it, and it holds a secret: chmod 600")


def _check_preset(configuration: Configuration, listed: list[Listed]) -> Findings:
    """Whether the dataset for questions that name none is one of those listed."""
    findings, preset = Findings(), configuration.settings.dataset
    try:
        if preset is not None and the_one(listed, preset) is None:
            what = f"The dataset {quoted(preset)}, for questions that name none, is in no source that could be asked"
            findings.problem(f"{what}. {choices(listed)}", 0)
    except LookalikeError as error:
        findings.problem(error, 0)
    return findings


def _tell_trial(trial: Trial, findings: Findings) -> None:
    fine = [tool for tool, failure in trial.items() if failure is None]
    if fine:
        findings.fine(f"would answer {', '.join(fine)}", 2)
    reasons: dict[str, list[str]] = {}
    for tool, failure in trial.items():
        if failure is not None:
            reasons.setdefault(str(failure), []).append(tool)
    for reason, tools in reasons.items():
        findings.problem(f"{', '.join(tools)}: {reason}", 2)


def _described(dataset: Dataset) -> str:
    is_counted = dataset.n_images is not None and state_of(dataset) != "DRAFT"
    images = f", {counted(dataset.n_images or 0, 'image')}" if is_counted else ""
    return f"dataset {quoted(dataset.display_name or dataset.id)} ({dataset.id}): {state_of(dataset)}{images}"


def _tell(findings: Findings, say: Say) -> None:
    for line in findings.lines:
        say(line)


def _verdict(problems: int) -> str:
    if not problems:
        return "Nothing that was tried would fail."
    return "1 thing would fail." if problems == 1 else f"{problems} things would fail."


def _besides(warnings: int) -> str:
    return "" if not warnings else f" {warnings} warning{'' if warnings == 1 else 's'}."
