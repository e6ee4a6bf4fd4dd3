"""The protocols in which predictions are asked for: bytes to tables, and answers to bytes.

Each module is a `predicting.Way`, with `read(body, headers, live) -> Table` and `write(answered,
table) -> Reply`; none knows the application. What a request says of its answer, `read` puts into
`Table.asked` for `write`.
"""
