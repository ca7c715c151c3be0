"""The fault harness: load, faults, a journal of what every client saw, and a checker that compares it with the history.

`python -m tests.faults` runs all of it; docs/faults.md says what is tested and what the last run showed.
"""
