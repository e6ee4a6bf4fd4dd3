"""What any table holds, column by column, and what about it should be looked at."""
