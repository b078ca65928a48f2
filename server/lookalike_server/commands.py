"""What the commands do, once click has read the command line."""

import gc
import io
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import anyio
import click

from lookalike_server.arguments import ArgumentsError
from lookalike_server.configuration import Configuration, load_configuration, read_configuration
from lookalike_server.connections import UNUSABLE, Connections, make_engine
from lookalike_server.logs import configure_logging, hide
from lookalike_server.settings import Settings
from lookalike_server.sources import ServerSource
from lookalike_tools import Answer, LookalikeError

LOOPBACK: Final = "127.0.0.1"

MadeT = TypeVar("MadeT")


class Trouble(click.ClickException):
    """An error of a command whose exit code of 1 means "none", as with grep."""

    exit_code = 2


def serve_stdio(options: Mapping[str, Any]) -> None:
    """Run the MCP server until its host hangs up."""
    # Nothing made while importing becomes garbage soon: collecting it costs a tenth of the start-up time, and freezing
    # it afterwards keeps every later collection, the one at exit included, from walking it again.
    gc.disable()
    connections = _usable(Connections, _configure(options))
    from lookalike_server.app import create_server  # noqa: PLC0415 — after the settings are known to be good
    from lookalike_server.stdio import run_stdio  # noqa: PLC0415 — likewise

    server = create_server(connections)
    gc.enable()
    gc.freeze()
    run_stdio(server)
    # Back for the interpreter's own clean-up: without it DuckDB's bindings report leaks on stderr at exit.
    gc.unfreeze()


def answer(tool: str, options: Mapping[str, Any]) -> None:
    """Ask one of the tools and print its answer, with a progress bar on stderr while it works."""
    from lookalike_server.terminal import ask_once  # noqa: PLC0415 — loads the tools

    connections = _for_question(options)
    reply = _run(ask_once, connections, tool, _arguments(options))
    click.echo(_shown(reply, options))


def check_images(options: Mapping[str, Any]) -> None:
    """Compare each image with the dataset; the exit code is 0 if any has a copy there, 1 if none, 2 after any error."""
    from lookalike_server.image_arguments import sort_out  # noqa: PLC0415 — where it is used: start-up time
    from lookalike_server.terminal import Unasked, check_each  # noqa: PLC0415 — loads the tools

    named, folders = sort_out(options["paths"])
    options = {**options, "folders": folders}
    are_found, are_refused, shown = False, False, 0

    def tell(outcome: Answer | Unasked) -> None:
        nonlocal are_found, are_refused, shown
        if isinstance(outcome, Unasked):
            are_refused = True
            click.echo(f"Error: {outcome.why}", err=True)
            return
        are_found |= bool(outcome.structured().get("checked", {}).get("alike"))
        click.echo(("\n" if shown and not options["as_json"] else "") + _shown(outcome, options))
        shown += 1

    if not named:
        raise Trouble("no image was given. Name one or more image files.")
    try:
        _run(check_each, _for_question(options), named, _arguments(options), tell)
    except click.ClickException as error:
        raise Trouble(error.message) from error
    raise SystemExit(Trouble.exit_code if are_refused else 0 if are_found else 1)


def index_folders(options: Mapping[str, Any]) -> None:
    """Index every folder and say what was found."""
    from lookalike_server.terminal import index_all  # noqa: PLC0415 — loads the tools

    engine = _usable(partial(make_engine, background=False), _configure(options).settings, options["folders"])
    try:
        _run(index_all, engine, click.echo)
    finally:
        engine.close()


def serve_api(port: int, options: Mapping[str, Any]) -> None:
    """Serve the Explore API on loopback until interrupted."""
    settings = _configure(options).settings
    engine = _usable(make_engine, settings, options["folders"])
    # The port is taken before the (possibly long) indexing, so that a port in use is found out at once.
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((LOOPBACK, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} on {LOOPBACK} cannot be used ({error.strerror}). Choose another with --port."
            ) from error
        from lookalike_server.api import serve_engine  # noqa: PLC0415 — loads uvicorn

        _run(serve_engine, engine, listening)


def check(options: Mapping[str, Any]) -> None:
    """Try everything that a question would need; the exit code is 1 if anything would fail."""
    from lookalike_server.check import check_all  # noqa: PLC0415 — loads the tools

    _show_every_sign()
    configuration = _usable(read_configuration, options, options["folders"])
    _log(configuration)
    if not anyio.run(check_all, configuration, click.echo):
        raise SystemExit(1)


def _for_question(options: Mapping[str, Any]) -> Connections:
    """The sources that a question from the terminal looks at."""
    _show_every_sign()
    configuration = _configure(options)
    sources, dataset = configuration.for_question()
    settings = configuration.settings.model_copy(update={"dataset": dataset})
    return _usable(Connections, replace(configuration, settings=settings, sources=sources))


def _arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that are arguments of the tool."""
    told_elsewhere = {*Settings.model_fields, "folders", "paths", "as_json"} - {"dataset"}
    return {name: value for name, value in options.items() if name not in told_elsewhere and value is not None}


def _shown(answer: Answer, options: Mapping[str, Any]) -> str:
    return json.dumps(answer.structured(), indent=2, ensure_ascii=False) if options["as_json"] else answer.text()


def _configure(options: Mapping[str, Any]) -> Configuration:
    configuration = _usable(load_configuration, options, options["folders"])
    _log(configuration)
    return configuration


def _log(configuration: Configuration) -> None:
    configure_logging(configuration.settings.log_level)
    # A secret in a file is hidden when it is read.
    servers = [source for source in configuration.sources if isinstance(source, ServerSource)]
    hide(secret.value.get_secret_value() for source in servers for secret in source.secrets if secret.value)


def _show_every_sign() -> None:
    """Names come in any script: one sign that the terminal cannot show must not lose the whole answer."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _usable(make: Callable[..., MadeT], *arguments: object) -> MadeT:
    """What ``make`` makes, or a message on stderr that says what is wrong with what it was given."""
    try:
        return make(*arguments)
    except UNUSABLE as error:
        raise click.ClickException(str(error)) from error


def _run(work: Callable[..., Awaitable[MadeT]], *arguments: object) -> MadeT:
    """Run ``work``, turning what a user can mend into a message and an exit code of 1."""
    try:
        return anyio.run(work, *arguments)
    except (LookalikeError, ArgumentsError) as error:
        problem = str(error)
    except KeyboardInterrupt:
        raise click.Abort from None
    # Out here nothing holds on to the failed call's frames; DuckDB's bindings report leaks if they outlive it.
    raise click.ClickException(problem)
