"""Pure functions over text: cleaning, sentences, words."""
