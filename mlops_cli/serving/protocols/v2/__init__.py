"""The Open Inference Protocol, version 2: by REST with tensors in JSON or in binary, and by gRPC.

Source: https://github.com/kserve/open-inference-protocol
"""
