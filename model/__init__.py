"""A model of booking, disabling and calling back, and every order in which they can happen (docs/model.md)."""
