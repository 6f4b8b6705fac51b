"""Can it be trusted? Kills, damage, hostile input, erasure and other ways of running, tried over and over.

One module for each part; each has a function of a number of trials, a seed and an empty folder that returns a `Tally`.

    PYTHONPATH=benchmarks python -m trust                # what is not done yet of all; writes docs/trust.md
    PYTHONPATH=benchmarks python -m trust --anew         # all again
    PYTHONPATH=benchmarks python -m trust --share 0.01 --no-page
"""
