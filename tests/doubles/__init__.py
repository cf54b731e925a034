"""Stateful doubles of services that cannot run here, for Slotlink's own tests.

Each is written from the public documents, by somebody else than the author of the connector that talks to it. What it
keeps to stands in a facts file (documented, reported, assumed, with the source), and a recorder compares it with the
service for whoever has an account. Until somebody has, Slotlink is tested against our model of these services.
"""
