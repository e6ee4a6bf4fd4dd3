"""The protocols in which predictions are asked for: bytes to tables, and answers to bytes.

Each module has `read(body, headers, live) -> Table` and `write(live, answers, ticket, rows, asked)
-> Reply`; none knows the application. What `read` puts into `Table.asked`, `write` gets back.
"""
