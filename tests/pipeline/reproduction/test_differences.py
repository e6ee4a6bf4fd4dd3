"""Promises of comparing environments: what may change numbers is named, the most telling first."""

from mlops_cli.pipeline.reproduction.differences import differences

THEN = {
    "python": "3.11.7",
    "packages": {"numpy": "1.0", "gone": "2.0", "same": "3.0", "edited": "1.0"},
    "hashes": {"same": "aa", "edited": "aa"},
    "editable": {"edited": "file:///x"},
    "threads": {"OMP_NUM_THREADS": "1"},
    "variables": {},
    "cpus_usable": 8,
    "libraries": ["libopenblas-1.so"],
    "cpu": "Xeon",
    "cpu_flags": ["avx", "avx512f"],
    "gpus": [{"model": "A100", "driver": "1"}],
    "libc": "glibc 2.36",
    "locks": {"uv.lock": "a" * 64},
}


def test_equal_environments_differ_in_nothing() -> None:
    assert differences(THEN, THEN) == []


def test_each_kind_is_named_with_what_it_was_and_is() -> None:
    here = {
        "python": "3.12.1",
        "packages": {"numpy": "1.1", "more": "1", "same": "3.0", "edited": "1.0"},
        "hashes": {"same": "bb", "edited": "bb"},
        "editable": {"edited": "file:///x"},
        "threads": {"OPENBLAS_CORETYPE": "Haswell"},
        "variables": {},
        "cpus_usable": 2,
        "libraries": ["libopenblas-2.so"],
        "cpu": "EPYC",
        "cpu_flags": ["avx", "avx2"],
        "gpus": [],
        "libc": "glibc 2.41",
        "locks": {},
    }
    assert [(one.kind, one.name, one.recorded, one.here) for one in differences(THEN, here)] == [
        ("package", "numpy", "1.0", "1.1"),
        ("package", "same", "3.0", "3.0, another build"),
        ("package", "gone", "2.0", "not installed"),
        ("package", "more", "not installed", "1"),
        ("python", "python", "3.11.7", "3.12.1"),
        ("variable", "OMP_NUM_THREADS", "1", "not set"),
        ("variable", "OPENBLAS_CORETYPE", "not set", "Haswell"),
        ("processors", "cpus_usable", "8", "2"),
        ("library", "linear algebra", "libopenblas-1.so", "libopenblas-2.so"),
        ("cpu", "cpu", "Xeon", "EPYC"),
        ("cpu", "abilities", "avx512f", "avx2"),
        ("gpu", "gpus", "A100 (1)", "none"),
        ("system", "libc", "glibc 2.36", "glibc 2.41"),
        ("lock file", "uv.lock", "aaaaaaaaaaaa", "none"),
    ]


def test_what_an_older_record_does_not_say_is_not_compared() -> None:
    assert (
        differences(
            {"packages": {"a": "1"}}, {**THEN, "packages": {"a": "1"}, "threads": {}, "locks": {}}
        )
        == []
    )
