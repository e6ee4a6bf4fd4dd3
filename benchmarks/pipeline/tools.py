"""The same pipeline in the words of each tool: a chain of steps, or many that hang on one file."""

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from benchmarks.environments import environment, pinned
from benchmarks.measure import MLO
from benchmarks.storage.peers.peer import Command, remove
from benchmarks.storage.system import first_line, have

_DVC, _SNAKEMAKE, _METAFLOW = "dvc==3.67.1", "snakemake==9.27.1", "metaflow==2.19.39"
_GIT_SETTINGS = "[user]\n\tname = Benchmark\n\temail = b@example.com\n[gc]\n\tauto = 0\n"
CHANGED = 3
"""The step of a chain that reads the parameter."""


def chained(number: int, parameter: str) -> str:
    """Return the command of a step in a chain: it adds a line to what the one before it wrote."""
    word = parameter if number == CHANGED else str(number)
    return f"cat s{number - 1}.txt > s{number}.txt && echo {word} >> s{number}.txt"


def listed(item: str) -> str:
    """Return the command of a step that is made from an item of a list."""
    return f"cat data.txt > out{item}.txt && echo {item} >> out{item}.txt"


class Tool(ABC):
    """A tool with a project of its own at `home/project`."""

    name: ClassVar[str]
    in_git: ClassVar[bool] = False

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = home / "project"

    @classmethod
    @abstractmethod
    def version(cls) -> str | None:
        """Return its version, installing it first if need be; None where that cannot be done."""

    def begin(self, files: Mapping[str, str]) -> None:
        """Make a project of these files anew, in which nothing has run."""
        remove(self.home)
        self.project.mkdir(parents=True)
        if self.in_git:
            self.command("git", "init", "--quiet").run()
        self.start()
        for name, text in files.items():
            (self.project / name).write_text(text)
        self.record()

    def start(self) -> None:  # noqa: B027 (most need no more)
        """Make the tool's own part of a new project."""

    def record(self) -> None:
        """Commit all that git does not ignore, where the tool is used with git."""
        if self.in_git:
            self.command("git", "add", "--all").run()
            message = ("--quiet", "--allow-empty", "--message", "Go on")
            self.command("git", "commit", *message).run()

    @abstractmethod
    def chain(self, steps: int) -> dict[str, str]:
        """Return the files of a chain of steps, one of which reads a parameter."""

    def many(self, steps: int) -> dict[str, str]:
        """Return the files of steps that hang on one file, each made from an item of a list."""
        raise NotImplementedError

    @abstractmethod
    def run(self, jobs: int = 1) -> Command:
        """Bring the pipeline up to date."""

    def change(self, value: int) -> None:
        """Give the parameter of a chain another value."""
        raise NotImplementedError

    def command(self, *argv: str, **env: str) -> Command:
        """Return a command of this tool, to run in its project, without the user's settings."""
        settings = self.home / "gitconfig"
        if not settings.exists():
            settings.write_text(_GIT_SETTINGS)
        usual = {"HOME": str(self.home), "GIT_CONFIG_GLOBAL": str(settings), "USER": "benchmark"}
        return Command(argv, self.project, {**usual, "GIT_CONFIG_NOSYSTEM": "1", **env})


class Mlo(Tool):
    """`mlo` itself, as it is installed beside the Python that measures."""

    name = "mlo"
    in_git = True

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return version("mlo")

    def start(self) -> None:
        """Make the store."""
        self.command(MLO, "init").run()

    def chain(self, steps: int) -> dict[str, str]:
        """Return the settings and the first file; JSON is YAML too."""
        made = {
            f"step{n}": {
                "cmd": chained(n, "${p}"),
                "deps": [f"s{n - 1}.txt"],
                "outs": [f"s{n}.txt"],
                **({"params": ["p"]} if n == CHANGED else {}),
            }
            for n in range(1, steps + 1)
        }
        return {".mlops.yaml": json.dumps({"params": {"p": 0}, "steps": made}), "s0.txt": "0\n"}

    def many(self, steps: int) -> dict[str, str]:
        """Return the settings."""
        step = {
            "foreach": list(range(steps)),
            "cmd": listed("${item}"),
            "deps": ["data.txt"],
            "outs": ["out${item}.txt"],
        }
        return {".mlops.yaml": json.dumps({"steps": {"each": step}}), "data.txt": "0\n"}

    def run(self, jobs: int = 1) -> Command:
        """Run what is stale."""
        return self.command(MLO, "run", *(("--jobs", str(jobs)) if jobs > 1 else ()))

    def change(self, value: int) -> None:
        """Write the parameter into the settings."""
        path = self.project / ".mlops.yaml"
        held = json.loads(path.read_text())
        path.write_text(json.dumps({**held, "params": {"p": value}}))

    def anything(self) -> Command:
        """Run a command that no pipeline knows, with all that is recorded of it."""
        return self.command(MLO, "run", "--", "true")


class Dvc(Tool):
    """DVC, which has no parallel steps."""

    name = "DVC"
    in_git = True

    @classmethod
    def version(cls) -> str | None:
        """Return the version, which is pinned."""
        return pinned(_DVC) if environment("DVC", _DVC) else None

    def start(self) -> None:
        """Make DVC's part, without what asks the network."""
        self._dvc("init", "--quiet").run()
        for key in ("core.check_update", "core.analytics"):
            self._dvc("config", key, "false").run()

    def chain(self, steps: int) -> dict[str, str]:
        """Return dvc.yaml, the parameter and the first file."""
        made = {
            f"step{n}": {
                "cmd": chained(n, "${p}"),
                "deps": [f"s{n - 1}.txt"],
                "outs": [f"s{n}.txt"],
                **({"params": ["p"]} if n == CHANGED else {}),
            }
            for n in range(1, steps + 1)
        }
        return {"dvc.yaml": json.dumps({"stages": made}), "params.yaml": "p: 0\n", "s0.txt": "0\n"}

    def many(self, steps: int) -> dict[str, str]:
        """Return dvc.yaml."""
        do = {"cmd": listed("${item}"), "deps": ["data.txt"], "outs": ["out${item}.txt"]}
        stages = {"each": {"foreach": list(range(steps)), "do": do}}
        return {"dvc.yaml": json.dumps({"stages": stages}), "data.txt": "0\n"}

    def single(self) -> dict[str, str]:
        """Return a pipeline of the command that does nothing."""
        return {"dvc.yaml": json.dumps({"stages": {"nothing": {"cmd": "true"}}})}

    def run(self, jobs: int = 1) -> Command:
        """Run what is stale, one after the other."""
        return self._dvc("repro")

    def change(self, value: int) -> None:
        """Write the parameter."""
        (self.project / "params.yaml").write_text(f"p: {value}\n")

    def anything(self) -> Command:
        """Run the command that does nothing as an experiment."""
        return self._dvc("exp", "run", "--force")

    def _dvc(self, *argv: str) -> Command:
        folder = environment("DVC", _DVC)
        site = str(self.home / "site")
        program = str(folder / "bin" / "dvc") if folder else "dvc"
        return self.command(program, *argv, DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=site)


class Snakemake(Tool):
    """Snakemake, which goes by times and its own notes."""

    name = "Snakemake"

    @classmethod
    def version(cls) -> str | None:
        """Return the version, which is pinned."""
        return pinned(_SNAKEMAKE) if environment("Snakemake", _SNAKEMAKE) else None

    def chain(self, steps: int) -> dict[str, str]:
        """Return the rules, the parameter and the first file."""
        rules = [f'configfile: "config.yaml"\nrule all:\n    input: "s{steps}.txt"\n']
        rules += [_rule(n) for n in range(1, steps + 1)]
        return {"Snakefile": "\n".join(rules), "config.yaml": "p: 0\n", "s0.txt": "0\n"}

    def many(self, steps: int) -> dict[str, str]:
        """Return one rule for all, and one that asks for each."""
        return {
            "Snakefile": f'rule all:\n    input: expand("out{{i}}.txt", i=range({steps}))\n'
            'rule each:\n    input: "data.txt"\n    output: "out{i}.txt"\n'
            f'    shell: "{listed("{wildcards.i}")}"\n',
            "data.txt": "0\n",
        }

    def run(self, jobs: int = 1) -> Command:
        """Run what is stale."""
        folder = environment("Snakemake", _SNAKEMAKE)
        program = str(folder / "bin" / "snakemake") if folder else "snakemake"
        return self.command(program, "--cores", str(jobs), "--quiet", "all")

    def change(self, value: int) -> None:
        """Write the parameter."""
        (self.project / "config.yaml").write_text(f"p: {value}\n")


def _rule(number: int) -> str:
    params = '    params: p=config["p"]\n' if number == CHANGED else ""
    return (
        f'rule step{number}:\n    input: "s{number - 1}.txt"\n    output: "s{number}.txt"\n'
        f'{params}    shell: "{chained(number, "{params.p}")}"\n'
    )


class Metaflow(Tool):
    """Metaflow, which always runs all of a flow."""

    name = "Metaflow"

    @classmethod
    def version(cls) -> str | None:
        """Return the version, which is pinned."""
        return pinned(_METAFLOW) if environment("Metaflow", _METAFLOW) else None

    def chain(self, steps: int) -> dict[str, str]:
        """Return a flow of as many steps."""
        names = ["start", *(f"step{n}" for n in range(2, steps)), "end"]
        lines = [
            "import subprocess",
            "from metaflow import FlowSpec, step",
            "class Flow(FlowSpec):",
        ]
        for n, name in enumerate(names, 1):
            lines += ["    @step", f"    def {name}(self):"]
            lines += [f"        subprocess.run({chained(n, 'p')!r}, shell=True, check=True)"]
            lines += [f"        self.next(self.{names[n]})"] if n < steps else []
        lines += ["if __name__ == '__main__':", "    Flow()"]
        return {"flow.py": "\n".join(lines) + "\n", "s0.txt": "0\n"}

    def run(self, jobs: int = 1) -> Command:
        """Run the flow."""
        folder = environment("Metaflow", _METAFLOW)
        program = str(folder / "bin" / "python") if folder else "python"
        return self.command(program, "flow.py", "run")


class Make(Tool):
    """make, which goes by times alone and keeps nothing."""

    name = "make"

    @classmethod
    def version(cls) -> str | None:
        """Return the version that is installed."""
        return first_line("make", "--version").split()[-1] if have("make", "make") else None

    def chain(self, steps: int) -> dict[str, str]:
        """Return the rules and the first file."""
        rules = [f"all: s{steps}.txt"]
        for n in range(1, steps + 1):
            more = " p" if n == CHANGED else ""
            rules.append(f"s{n}.txt: s{n - 1}.txt{more}\n\t{chained(n, '`cat p`')}")
        return {"Makefile": "\n".join(rules) + "\n", "s0.txt": "0\n", "p": "0\n"}

    def many(self, steps: int) -> dict[str, str]:
        """Return one rule for all, and one that asks for each."""
        names = " ".join(f"out{n}.txt" for n in range(steps))
        rule = f"out%.txt: data.txt\n\t{listed('$*')}\n"
        return {"Makefile": f"all: {names}\n{rule}", "data.txt": "0\n"}

    def run(self, jobs: int = 1) -> Command:
        """Run what is stale."""
        return self.command(shutil.which("make") or "make", "--silent", "-j", str(jobs))

    def change(self, value: int) -> None:
        """Write the parameter."""
        (self.project / "p").write_text(f"{value}\n")


TOOLS: tuple[type[Tool], ...] = (Mlo, Dvc, Snakemake, Metaflow, Make)
