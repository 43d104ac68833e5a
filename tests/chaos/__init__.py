"""Seeded histories of both peers, with faults, kills and crashes; then, is the billing right?

`python -m tests.chaos` (SEEDS, SEED, OPERATIONS, JOBS in the environment); short ones run in
`tests/e2e/test_chaos.py`.
"""
