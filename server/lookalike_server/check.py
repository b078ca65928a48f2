"""``lookalike check``: try everything that a question would need, and say what would fail."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from lookalike_server.configuration import Configuration
from lookalike_server.connections import UNUSABLE, connect, engine_of
from lookalike_server.folder_check import cache_problem, describe_folders
from lookalike_server.secret import read_by_others
from lookalike_server.settings import variable_of
from lookalike_server.settings_shown import settings_lines
from lookalike_server.sources import FolderSource, ServerSource, SourceSettings, shown_url
from lookalike_server.terminal import Bar
from lookalike_tools import Dataset, ExploreClient, LookalikeError, Trial, quoted, state_of, try_questions
from lookalike_tools.datasets import Listed, choices, the_one
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
        self.fine(f"FAILS  {text}", depth)

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
    if not configuration.sources:
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
    for line, is_problem in await anyio.to_thread.run_sync(describe_folders, source):
        (findings.problem if is_problem else findings.fine)(line)
    problem = cache_problem(configuration.settings.cache_dir)
    if problem is not None:
        findings.problem(problem)
    if findings.problems:
        return
    engine = engine_of(configuration.settings, source)
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
    findings.fine(f"{shown_url(source.base_url)}, {source.timeout:g} s for a question")
    _check_secrets(configuration, source, findings)
    async with connect(source) as explore:
        async with explore.question():
            datasets = await explore.datasets()
        credential = "the credential is accepted" if source.secrets else "without a credential"
        findings.fine(f"reachable, {credential}; {counted(len(datasets), 'dataset')}")
        if not datasets:
            findings.problem("It lists no dataset. Check the key's access, or make a dataset on the server")
        slots, done = asyncio.Semaphore(_AT_ONCE), 0

        async def tried(dataset: Dataset) -> Trial:
            nonlocal done
            async with slots:
                trial = await try_questions(explore, dataset)
            done += 1
            await bar(done, min(len(datasets), MOST_TRIED), f"trying the datasets of {source.name}")
            return trial

        to_try = [dataset for dataset in datasets if state_of(dataset) != "INDEXING"][:MOST_TRIED]
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
            findings.fine("is being indexed: ask again later" if is_indexing else "not tried: there are too many", 2)


def _check_secrets(configuration: Configuration, source: ServerSource, findings: Findings) -> None:
    for secret in source.secrets:
        findings.fine(f"{secret.where}: set, not shown" if secret.file is None else f"{secret.where}: {secret.file}")
        if secret.file is not None and read_by_others(secret.file):
            findings.warning(f"Other users can read {quoted(str(secret.file))}. Take that right away: chmod 600", 2)
    file = configuration.file
    is_inline = source.level == "file" and any(secret.file is None for secret in source.secrets)
    if is_inline and file is not None and read_by_others(file):
        findings.warning(f"Other users can read {quoted(str(file))}, which holds a secret. chmod 600 it")


def _check_preset(configuration: Configuration, listed: list[Listed]) -> Findings:
    """Whether the dataset for questions that name none is one of those listed."""
    findings, preset = Findings(), configuration.settings.dataset
    try:
        if preset is not None and the_one(listed, preset) is None:
            what = f"The dataset {quoted(preset)}, for questions that name none, is in no source"
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
        return "Every question would be answered."
    return "1 thing would fail." if problems == 1 else f"{problems} things would fail."


def _besides(warnings: int) -> str:
    return "" if not warnings else f" {warnings} warning{'' if warnings == 1 else 's'}."
