"""What a table is to be like, said in a schema, and whether it is."""
