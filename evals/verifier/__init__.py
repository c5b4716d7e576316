"""The claim verifier: its data, its training and its figures."""
