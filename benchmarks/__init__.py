"""How fast `mlo` is, as ratios against a peer or a floor measured in the same run.

python -m benchmarks            # all, prints a table
python -m benchmarks start      # one part: start, files, storage, pipeline, tracking
python -m benchmarks --write    # also writes docs/benchmarks.md
"""
