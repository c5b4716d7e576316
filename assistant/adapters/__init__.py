"""One vendor each, behind a protocol; vendor errors become `AssistantError`s here."""
