"""What is kept: tables, the one transaction that writes, the log in the database, migrations."""
