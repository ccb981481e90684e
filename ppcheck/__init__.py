"""Claims about a language model, its behaviour and its mechanism, as pytest tests."""
