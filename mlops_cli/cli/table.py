"""Every command with its one line of help, in the order of the loop.

A command is the function of the same name in `cli/commands/NAME.py`, or the Typer `app` there
for a group such as `runs` (`cli/group.py` says what a name is in Python). Its one line here is the
first line of its docstring; a test compares them, so that help can be printed without loading a
single command.
"""

from collections.abc import Sequence

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "start a project",
        (
            ("init", "Make a repository, from a template if one is named"),
            ("import-dvc", "Make a DVC project an mlo project, with its history"),
            ("import-mlflow", "Take over the runs that MLflow has"),
            ("demo", "Go round the whole loop on real data, in a new folder"),
        ),
    ),
    (
        "keep versions of data",
        (
            ("add", "Version files or folders and write their pointers"),
            ("import", "Bring outside data in, remembering where from"),
            ("status", "Say what changed and what is stale"),
            ("diff", "Show what differs between two versions of the data"),
            ("profile", "Say what a table holds, column by column"),
            ("validate", "Check data against its schema: columns, values and rules"),
            ("checkout", "Make the work tree match its pointers"),
            ("mv", "Move versioned files or folders with their pointers"),
            ("rm", "Stop versioning files or folders, and remove them"),
            ("merge", "Finish a git merge in versioned data"),
            ("log", "List the versions of a path"),
            ("cat", "Print a version of a file without checking it out"),
        ),
    ),
    (
        "run and compare",
        (
            ("run", "Run what is stale of the pipeline, one step, or any command"),
            ("dag", "Show the steps of the pipeline, and which need which"),
            ("sweep", "Search the parameters of a step for those that are best"),
            ("runs", "List, show, compare, plot and keep runs"),
            ("reproduce", "Make a run again in a clean work tree, and compare"),
            ("params", "Show parameters, and compare them with a git revision"),
            ("metrics", "Show metrics, and compare them with a git revision"),
        ),
    ),
    (
        "release a model",
        (
            ("register", "Make a model version from what a run produced"),
            ("models", "List, show and compare models and their versions"),
            ("explain", "Say which columns a model goes by, or why it answered so"),
            ("evaluate", "Say how good a model is on some data, for the record"),
            ("approve", "Approve a model version for a stage, or take that back"),
            ("promote", "Move a stage to a model version, through the stage's gates"),
            ("rollback", "Move a stage back to the version it had before"),
        ),
    ),
    (
        "serve and watch",
        (
            ("serve", "Answer prediction requests over HTTP"),
            ("canary", "Try a model version on a share of the requests"),
            ("shadow", "Show a model version requests that another answers"),
            ("ab", "Compare versions of a model on users who each meet one"),
            ("predict", "Predict every row of a file"),
            ("feedback", "Tell what turned out to be true of predictions"),
            ("predictions", "List and export what was answered"),
            ("package", "Write a model as a folder or image that serves anywhere"),
            ("deploy", "Write the manifests that run a packaged model version"),
            ("drift", "Compare live data with the data a model was trained on"),
            ("performance", "Compare how well a model does live with held-out data"),
            ("monitor", "Check rules on models in use, tell people, and act"),
            ("retrain", "Train a model on fresh rows, and use it if it is better"),
        ),
    ),
    (
        "trace and prove",
        (
            ("trace", "Show what a prediction, model, run or file came from"),
            ("audit", "List who did what, and verify the record"),
            ("fsck", "Prove that every stored byte is what its name says"),
        ),
    ),
    (
        "share",
        (
            ("remote", "Add, list and remove remotes"),
            ("push", "Send objects to a remote, then move its refs"),
            ("fetch", "Get refs and objects from a remote"),
            ("pull", "Fetch, then check out"),
        ),
    ),
    (
        "look after it",
        (
            ("gc", "Drop versions that nothing needs any more"),
            ("hooks", "Have git take data along, and keep large files out of it"),
            ("config", "Show the settings and where each comes from"),
            ("doctor", "Check the installation and the repository"),
            ("completion", "Print or install completion for a shell"),
        ),
    ),
)

COMMANDS: dict[str, str] = {name: line for _, rows in SECTIONS for name, line in rows}

DRIVERS = ("merge-pointer", "merge-lock")
"""What git calls to merge; nobody else does, so no list has them."""


def is_call(arguments: Sequence[str]) -> bool:
    """Return whether a command line is one that git types: a hook, or a merge driver."""
    return tuple(arguments[:2]) == ("hooks", "run") or arguments[0] in DRIVERS


def overview() -> str:
    """Return what `mlo --help` prints."""
    lines = [
        "usage: mlo [-C DIR] COMMAND [ARGS]...",
        "",
        "Git for the rest of a machine-learning project: its data, runs and models.",
    ]
    width = max(map(len, COMMANDS)) + 3
    for title, rows in SECTIONS:
        lines += ["", title, *(f"  {name:<{width}}{line}" for name, line in rows)]
    lines += [
        "",
        "options",
        "  -C DIR        Go to DIR first",
        "  --version     Print the version",
        "  -h, --help    Print this, or the help of a command that stands before it",
        "",
        "New here? `mlo demo` types these commands for you on real data.",
    ]
    return "\n".join(lines)
