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
from lookalike_tools import LookalikeError

LOOPBACK: Final = "127.0.0.1"

MadeT = TypeVar("MadeT")


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

    told_elsewhere = {*Settings.model_fields, "folders", "as_json"} - {"dataset"}
    arguments = {name: value for name, value in options.items() if name not in told_elsewhere and value is not None}
    _show_every_sign()
    configuration = _configure(options)
    sources, dataset = configuration.for_question()
    settings = configuration.settings.model_copy(update={"dataset": dataset})
    connections = _usable(Connections, replace(configuration, settings=settings, sources=sources))
    reply = _run(ask_once, connections, tool, arguments)
    click.echo(json.dumps(reply.structured(), indent=2, ensure_ascii=False) if options["as_json"] else reply.text())


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
