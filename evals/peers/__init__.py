"""Other systems asked the same questions, with the same chat server and the same scorers."""
