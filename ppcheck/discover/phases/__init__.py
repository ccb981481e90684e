"""What is looked for, one file a phase, each of which proposes claims."""
