"""The pytest markers by which `-m` selects checks. Imports nothing: every pytest run reads it."""

FAMILIES = {
    "behaviour": "ppcheck claims about what the model answers",
    "patching": "ppcheck claims tested by activation patching",
    "attention": "ppcheck claims about where heads attend",
    "neurons": "ppcheck claims about single neurons and clusters of them",
    "probing": "ppcheck claims about what probes read from activations",
    "ablation": "ppcheck claims tested by ablating components",
    "circuits": "ppcheck claims that a set of components does by itself what the model does",
    "roles": "ppcheck claims that something is done, whichever component does it",
    "logits": "ppcheck claims about what parts of the model add to the logits, and by which layer",
    "steering": "ppcheck claims tested by steering along directions or removing them",
}
