"""From prompts to a spec: what half of the units shows, as claims, and what the other half says."""
