"""The one sentence that says what became of a model since its baseline."""
