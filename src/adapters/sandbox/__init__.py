"""Both peers as real HTTP servers for the demo and the tests; no production code imports them."""
