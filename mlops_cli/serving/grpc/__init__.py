"""gRPC, on h2 and protobuf. Loaded only when a client speaks it; see `guard/connection.py`."""
