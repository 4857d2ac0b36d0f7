"""The second home of the books: one Postgres database for every machine that uses an account."""
