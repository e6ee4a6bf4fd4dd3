"""The server's description of itself in OpenAPI 3.1, made from the models' real signatures."""
