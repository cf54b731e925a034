"""Calendars that live elsewhere. `base.py` says what a provider has to do; beside it stands one file for each."""
