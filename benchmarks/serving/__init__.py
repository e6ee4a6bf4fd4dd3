"""Serving: single rows over HTTP beside other servers, all with the same models."""
