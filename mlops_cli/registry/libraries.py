"""The libraries that a model needs, with their versions and licences."""

from collections.abc import Iterable, Mapping


def licences(names: Iterable[str]) -> Mapping[str, str]:
    """Return what each package says of its licence, of those that are installed and say it.

    >>> licences(["numpy", "no-such-package"]).keys() <= {"numpy"}
    True
    """
    found = {name: _licence(name) for name in names}
    return {name: said for name, said in found.items() if said}


def _licence(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        told = metadata(name)
    except PackageNotFoundError:
        return None
    fields = told.json
    if fields.get("license_expression"):
        return str(fields["license_expression"])
    classified = [
        one.rpartition("::")[2].strip()
        for one in told.get_all("Classifier") or ()
        if one.startswith("License ::") and not one.endswith(":: OSI Approved")
    ]
    line = str(fields.get("license") or "").strip().partition("\n")[0]
    return "; ".join(classified) or (line if len(line) <= 80 else line[:77] + "...") or None
