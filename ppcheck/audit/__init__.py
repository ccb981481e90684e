"""One set of specs on many checkpoints: which are meant, who runs them, what is kept of them."""
