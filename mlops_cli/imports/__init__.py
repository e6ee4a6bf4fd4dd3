"""Bringing in data from outside: files, web servers, buckets, other projects, and DVC."""
