"""Versioning data beside DVC, git, git-lfs, restic and borg.

python -m benchmarks storage                          # all rows
python -m benchmarks storage --only many,large.add    # some
python -m benchmarks storage --where /mnt/disk        # on another file system
"""
