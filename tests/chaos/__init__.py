"""Kill the service at random instants of a running sync, and see whether the billing is right.

`python -m tests.chaos` (KILLS, SEED in the environment); a short campaign runs in
`tests/e2e/test_kill_campaign.py`.
"""
