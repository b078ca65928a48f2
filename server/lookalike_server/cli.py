"""The command line. Each command is a thin layer over a module that does the work, imported only when it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

_OUTPUT_WIDTH: Final = 100

EPILOG: Final = """\b
Examples:
  lookalike serve ~/Pictures        the MCP server, for an assistant to start
  lookalike duplicates ~/Pictures   the same answer, in the terminal
  lookalike check-image new.jpg ~/Pictures
                                    is it there already?
  lookalike summary --group-by folder split=~/set/train,~/set/test
                                    two folders as one: do they share copies?
  LOOKALIKE_BASE_URL=https://app.visual-layer.com lookalike serve
                                    an Explore server instead of local folders

Folders and servers can also stand in a configuration file (--config); lookalike check says what would work.
Nothing in a picture folder is ever changed. Indexes are kept in a cache folder (--cache-dir)."""

_FOLDER_HELP: Final = (
    "FOLDER is a folder of images, searched with its subfolders. Each FOLDER is a dataset of its own, named after its "
    "last part; NAME=DIR gives it another name; NAME=DIR1,DIR2 joins folders into one dataset."
)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """One decorator out of several, applied so that help lists them in the order written."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration file (config.toml in the system's configuration folder).",
)
_local = _options(
    click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where indexes of local folders are kept (the system's cache folder); may be deleted at any time.",
    ),
    click.option(
        "--signals",
        metavar="hash|lite0|sscd|PATH",
        help="What images are compared by: hash (fastest), lite0 (if not given), sscd (extra), or a model description.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
        help="How much is logged to stderr (WARNING).",
    ),
    _config,
)
_folders = click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
_anywhere = _options(
    click.option("--base-url", metavar="URL", help="Ask this Explore server too."),
    click.option(
        "--dataset", metavar="NAME", help="Dataset to ask about, in any source: name, id, path or SOURCE/NAME."
    ),
    click.option("--allow-http", is_flag=True, default=None, help="Allow plain http to servers on other machines."),
    click.option("--timeout", type=float, metavar="SECONDS", help="How long a server has for one question (60)."),
    _local,
)
_source = _options(click.argument("folders", nargs=-1, metavar="[FOLDER]..."), _anywhere)
_similarity = click.option(
    "--similarity",
    type=float,
    help="How alike images must be, 0 to 1: 1 pixel-equal, 0.95 (if not given) near-duplicate; lower, chance matches.",
)
_page = _options(
    click.option("--limit", type=int, help="How many to show, 1 to 100; 20 if not given."),
    click.option("--cursor", metavar="TEXT", help="Go on where the last answer stopped."),
    click.option(
        "--entity-type",
        type=click.Choice(["IMAGES", "OBJECTS"]),
        help="Whole images (if not given), or the objects found in them where a server has those.",
    ),
)
_json = click.option("--json", "as_json", is_flag=True, help="Print the structured form of the answer.")


@click.group(
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _OUTPUT_WIDTH},
)
@click.version_option(package_name="lookalike-mcp", prog_name="lookalike")
def main() -> None:
    """See what is duplicated, what is unique and what can go in an image dataset.

    Serves the answers to an AI assistant over MCP (serve), prints them here (duplicates, check-image, unique, summary),
    or offers them to scripts as the Explore API (api). Works on local folders with no account, on Explore servers, or
    on several of both at once.
    """


@main.command(epilog=_FOLDER_HELP)
@_source
def serve(**options: Any) -> None:
    """Serve MCP over stdin and stdout.

    Put this command into your assistant's configuration. It answers at once; the first question about a folder indexes
    it, with progress notifications. It looks at all sources: FOLDERs, --base-url and those of the configuration file.
    Credentials come from the environment (LOOKALIKE_API_KEY and LOOKALIKE_API_SECRET, or LOOKALIKE_TOKEN) or the file.
    """
    from lookalike_server.commands import serve_stdio  # noqa: PLC0415 — imported where it is used: start-up time

    serve_stdio(options)


@main.command(epilog=_FOLDER_HELP)
@_folders
@_local
def index(**options: Any) -> None:
    """Index folders now, so that the first question need not wait.

    Files already indexed and unchanged since are not read again.
    """
    from lookalike_server.commands import index_folders  # noqa: PLC0415 — imported where it is used: start-up time

    index_folders(options)


@main.command(short_help="Print which images are copies, and which one to keep.", epilog=_FOLDER_HELP)
@_source
@_similarity
@_page
@_json
def duplicates(**options: Any) -> None:
    """Print which images are copies of one another, and which one to keep."""
    from lookalike_server.commands import answer  # noqa: PLC0415 — imported where it is used: start-up time

    answer("find_duplicates", options)


@main.command(name="check-image", short_help="Print what images of a dataset are copies of one.", epilog=_FOLDER_HELP)
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE... [FOLDER]...")
@_anywhere
@_similarity
@click.option("--limit", type=int, help="How many to show of each image's copies, 1 to 100; 20 if not given.")
@_json
def check_image(**options: Any) -> None:
    """Print what images of a dataset are copies of each IMAGE, which need not be in it.

    Without a FOLDER the dataset comes from the configuration; Explore servers cannot be asked. An IMAGE that is in the
    dataset is not its own copy. With --json, one object for each IMAGE, in their order.

    The exit code is 0 if a copy of any IMAGE was found, 1 if none was, 2 if anything could not be checked.
    """
    from lookalike_server.commands import check_images  # noqa: PLC0415 — imported where it is used: start-up time

    check_images(options)


@main.command(epilog=_FOLDER_HELP)
@_source
@click.option(
    "--uniqueness",
    type=float,
    help="How unlike all others, 0 to 1: 0.8 (if not given) is more unlike than 80 % of the dataset.",
)
@_page
@_json
def unique(**options: Any) -> None:
    """Print which images are unlike all others."""
    from lookalike_server.commands import answer  # noqa: PLC0415 — imported where it is used: start-up time

    answer("find_unique", options)


@main.command(short_help="Print how redundant a dataset is, where, and what can go.", epilog=_FOLDER_HELP)
@_source
@_similarity
@click.option(
    "--group-by",
    type=click.Choice(["folder", "label"]),
    help="Also count by first-level folder, or by label where a server has labels.",
)
@_json
def summary(**options: Any) -> None:
    """Print how redundant a dataset is, where, and what cleaning would save."""
    from lookalike_server.commands import answer  # noqa: PLC0415 — imported where it is used: start-up time

    answer("summarize_clusters", options)


@main.command(short_help="Say what would work and what would not, and how to mend it.", epilog=_FOLDER_HELP)
@_source
def check(**options: Any) -> None:
    """Print the settings and where each comes from, then try every source, and the datasets of servers.

    Secrets are never printed, and nothing is indexed. The exit code is 0 if nothing that was tried would fail, else 1.
    """
    from lookalike_server.commands import check as run_check  # noqa: PLC0415 — imported where it is used: start-up time

    run_check(options)


@main.command(epilog=_FOLDER_HELP)
@_folders
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@_local
def api(port: int, **options: Any) -> None:
    """Serve the Explore API over folders, on this machine alone.

    A script written for Visual Layer's Explore API runs against it with only its base URL and dataset id changed.
    """
    from lookalike_server.commands import serve_api  # noqa: PLC0415 — imported where it is used: start-up time

    serve_api(port, options)
