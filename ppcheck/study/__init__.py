"""What changes a real instruction model for the study of it: lessons, and adapters trained on them.

`python -m ppcheck.study.train NAME --base MODEL --out DIR` trains one adapter.
"""
