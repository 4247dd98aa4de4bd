"""Progress: how far reading has come, on standard error."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from cli.output import tell


class Progress:
    """A bar on a terminal, which moves with every page; elsewhere a line for what is read.

    :param asks: whether AWS is asked; files take no time.
    :param console: where the bar is; by default standard error.
    """

    def __init__(self, *, asks: bool, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._tells = asks and not console.is_terminal
        self._bar = Bar(
            TextColumn("reading {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (asks and console.is_terminal),
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def expect(self, total: int) -> None:
        """Say how many things there are to read; nobody is told of a single one."""
        self._bar.reset(self._task, total=total)
        self._tells = self._tells and total > 1

    def at(self, what: str) -> None:
        """Show what is being read."""
        self._bar.update(self._task, description=what)

    def done(self, what: str) -> None:
        """Count something that is read."""
        self._bar.update(self._task, advance=1)
        if self._tells:
            tell(what)
