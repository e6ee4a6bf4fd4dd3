"""`mlo fsck`."""

from typing import TYPE_CHECKING

from mlops_cli.cli import show
from mlops_cli.cli.here import repository
from mlops_cli.cli.options import JsonFlag
from mlops_cli.errors import IntegrityError

if TYPE_CHECKING:
    from mlops_cli.data.fsck import Checked

_NEEDED_SHOWN = 8


def fsck(as_json: JsonFlag = False) -> None:
    """Prove that every stored byte is what its name says.

    Reads all packs and refs. Names each damaged object and the pointers, outputs, runs and model
    versions that need it, and exits with 4 when there is one.
    """
    from mlops_cli.data.fsck import check

    checked = check(repository(), progress=show.progress())
    show.emit(checked, as_json=as_json, text=_tell)
    if checked.problems:
        count = len(checked.problems)
        raise IntegrityError(
            f"the store is damaged: {count} problem{'' if count == 1 else 's'}",
            hint="copy .mlo, move the files named above out of it, then: mlo pull, or mlo add",
        )


def _tell(checked: "Checked") -> None:
    for problem in checked.problems:
        what = f"object {problem.oid}: " if problem.oid else ""
        show.line(f"{problem.where}: {what}{problem.what}")
        for name in problem.needed_by[:_NEEDED_SHOWN]:
            show.line(f"    needed by {name}")
        if len(problem.needed_by) > _NEEDED_SHOWN:
            show.line(f"    and by {len(problem.needed_by) - _NEEDED_SHOWN} more")
    if not checked.problems:
        show.line(
            f"whole: {checked.objects:,} objects in {checked.packs:,} packs,"
            f" {show.size(checked.bytes)}"
        )
    if checked.absent:
        show.note("not in this store (mlo fetch): " + ", ".join(checked.absent[:_NEEDED_SHOWN]))
