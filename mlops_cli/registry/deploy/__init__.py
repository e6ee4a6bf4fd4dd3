"""Manifests that run a packaged version: for Kubernetes, for KServe, and for Compose."""
