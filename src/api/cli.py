"""`timeledger`: the commands a person or a service manager types.

Exit codes: 0 done; 1 it went wrong, and the message says what to do; 2 wrong usage.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from domain.errors import LedgerError, Misconfigured

T = TypeVar("T")

app = typer.Typer(
    name="timeledger",
    help="Carries time booked on Zammad tickets into Kimai exactly once, and proves it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold tokens
    add_completion=False,
)
problems = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False, soft_wrap=True)

Host = Annotated[str | None, typer.Option(help="Address to listen on; else HOST.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, 0 for any; else PORT.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Work date, inclusive.")]


@app.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Run API, views and worker in one process until SIGTERM or Ctrl-C."""
    from api.running import serve as work
    from api.settings import load_settings

    settings = _checked(lambda: load_settings(**_given(host=host, port=port)))
    _configure_logs(settings.log_level)
    _run(work(settings))


@app.command()
def worker() -> None:
    """Add one more worker; needs the environment of the service, DATABASE_URL above all."""
    from api.running import work_only
    from api.settings import load_settings

    settings = _checked(lambda: load_settings(needs=["encryption_key"]))
    _configure_logs(settings.log_level)
    _run(work_only(settings))


@app.command()
def demo(
    reset: Annotated[bool, typer.Option("--reset", help="Forget the demo's data first.")] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Connect nothing: set it up yourself, from nothing.")
    ] = False,
) -> None:
    """Run everything at once, with sandbox peers and a month of bookings, nothing to configure."""
    from api.demo import run

    _run(run(reset=reset, bare=bare))


@app.command()
def sandbox(
    zammad_port: Annotated[int, typer.Option(envvar="ZAMMAD_PORT", help="0: any free one.")] = 8081,
    kimai_port: Annotated[int, typer.Option(envvar="KIMAI_PORT", help="0: any free one.")] = 8082,
) -> None:
    """Run a Zammad and a Kimai to try against, until Ctrl-C."""
    from api.running import sandbox_peers

    def say(text: str) -> None:
        output.print(text)

    _run(sandbox_peers(zammad_port, kimai_port, say))


@app.command()
def migrate() -> None:
    """Bring the database up to date; `serve` does it too."""
    from adapters.postgres.migrate import migrate as run_migrations
    from api.settings import load_settings
    from api.wiring import database

    settings = _checked(lambda: load_settings(needs=[]))
    _configure_logs(settings.log_level)

    async def work() -> list[str]:
        async with database(settings, join=True) as dsn:
            return await run_migrations(dsn)

    done = _run(work())
    for name in done:
        output.print(name)
    output.print(f"{len(done)} migrations run." if done else "Nothing to do.")


@app.command()
def verify(
    first: Annotated[int, typer.Option(min=1, help="First position to check.")] = 1,
    last: Annotated[int | None, typer.Option(min=1, help="Last one; else the newest.")] = None,
) -> None:
    """Walk the digest chain; exit code 1 when an event was altered, or there was none to check."""
    from api.running import verified
    from api.settings import load_settings

    settings = _checked(lambda: load_settings(needs=[]))
    with _progress() as bar:
        task = bar.add_task("Checking the chain", total=None)
        report = _run(
            verified(
                settings,
                first,
                last,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
        )
    if not report.ok:
        problems.print(f"Event {report.first_bad_position} was altered: {report.what}")
        raise typer.Exit(1)
    if report.checked_to < report.checked_from:
        problems.print("There are no events there: nothing was checked.")
        raise typer.Exit(1)
    output.print(f"Events {report.checked_from} to {report.checked_to} are as they were written.")
    output.print(f"Digest of the last one: {report.head_digest}")


@app.command()
def views(
    retry: Annotated[
        str | None, typer.Option(metavar="NAME", help="A stopped view tries its event again.")
    ] = None,
    rebuild: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make a view anew from event 1.")
    ] = None,
) -> None:
    """Show how far each view is; exit code 1 and the reason while one has stopped."""
    from api.running import views as looked_at
    from api.settings import load_settings

    settings = _checked(lambda: load_settings(needs=["encryption_key"] if rebuild else []))
    _configure_logs("critical")
    found = _run(looked_at(settings, retry=retry, rebuild=rebuild))
    width = max(len(view.name) for view in found)
    for view in found:
        output.print(f"{view.name:{width}}  at {view.position}, {view.lag} behind")
    stopped = [view for view in found if view.failed_at is not None]
    for view in stopped:
        text = f"{view.name} has stopped at event {view.failed_at}: {view.error}"
        problems.print(text, markup=False)
    if stopped:
        problems.print("What to do: docs/operations.md, When something stops.")
        raise typer.Exit(1)


@app.command()
def password(name: Annotated[str, typer.Argument(help="User name of the account.")]) -> None:
    """Give an account another password, asked for or read from the input; its logins end."""
    from api.running import password_replaced
    from api.settings import load_settings, weakness

    settings = _checked(lambda: load_settings(needs=["encryption_key"]))
    _configure_logs("error")
    given = _secret("New password")
    if (weak := weakness(given)) is not None:
        problems.print(f"The password {weak}", style="red")
        raise typer.Exit(1)
    _run(password_replaced(settings, name, given))
    text = f"{name} has another password; whoever was logged in as {name} is not any more."
    output.print(text, markup=False)


@app.command()
def sync(start: Day = None, end: Day = None) -> None:
    """Carry bookings across now and show progress; exit code 1 when the run failed."""
    from api.running import run_once
    from api.runs import Wanted
    from api.settings import load_settings

    settings = _checked(lambda: load_settings(needs=["encryption_key"]))
    _configure_logs("error")
    wanted = Wanted(
        start_date=start.date() if start else None, end_date=end.date() if end else None
    )
    with _progress() as bar:
        task = bar.add_task("Looking for bookings", total=None)

        def show(phase: str, done: int, total: int) -> None:
            bar.update(task, description=phase.capitalize(), completed=done, total=total or None)

        run = _run(run_once(settings, wanted, show))
    counters = run.counters
    output.print(
        f"Run {run.run_id} {run.state}: {counters.fetched} read, {counters.created} created,"
        f" {counters.updated} updated, {counters.deleted} deleted, {counters.conflicts} conflicts,"
        f" {counters.failed} failed"
    )
    if run.state != "completed":
        problems.print(run.error or "It did not come to its end.")
        raise typer.Exit(1)


def main() -> None:
    """The entry point of the installed command."""
    app()


def _secret(what: str) -> str:
    """A line that does not show, and stands in no argument that others could list."""
    if sys.stdin.isatty():
        answer: str = typer.prompt(what, hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; an error of ours becomes its message and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(work)
    except LedgerError as error:
        raise _exit_with(error) from None
    except TimeoutError:
        problems.print("The database did not answer in time. Try again when it does.", style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _checked(load: Callable[[], T]) -> T:
    try:
        return load()
    except Misconfigured as error:
        raise _exit_with(error) from None


def _exit_with(error: LedgerError) -> typer.Exit:
    system = getattr(error, "system", "")
    text = str(error)
    if system in ("settings", "service"):
        text = text.removeprefix(f"{system}: ")
    elif system == "postgresql":
        text = f"{text}. See that the server runs and that DATABASE_URL leads to it."
    problems.print(text, style="red")
    return typer.Exit(1)


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _configure_logs(level: str) -> None:
    from api.logs import configure

    configure(level)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=problems,
        transient=True,
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where there is one; it halves the cost of many small requests."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
