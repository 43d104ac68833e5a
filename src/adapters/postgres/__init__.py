"""PostgreSQL: the ledger, the read models, the migrations, the jobs."""
