"""Deterministic simulation: the production code on a virtual clock, a seeded scheduler and a database that dies.

`play(seed)` (run.py) plays one run: some people and links, visitors who race, an application, receivers that misbehave,
nodes that crash, freeze and come back, and a wall clock that is set. The same seed gives the same run, in any process.
"""
