"""Faults planted in the modules that book, and how many of them the tests notice (docs/mutation.md).

mutmut makes the mutants; running the tests against them is ours, since each mutant costs a fork here, not a new pytest.
"""
