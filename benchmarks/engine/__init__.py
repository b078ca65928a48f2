"""How well, how fast and in how much memory duplicates are found: this engine beside its peers, on one made set.

    python -m benchmarks.engine PHOTOGRAPHS --bursts FOLDER --images 1000

`generate` makes the set from a folder of distinct photographs, `truth` says what is a copy of what, `compare` runs
everyone on it in turn, `scoring` says how right they were.
"""
