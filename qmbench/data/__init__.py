"""From files to objects: benchmark folders, suites, reference sets, and what is wrong with them."""
