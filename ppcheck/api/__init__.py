"""The public Python API. Its names are those of `ppcheck` itself.

Importing it imports neither torch nor pydantic; each function imports what it needs.
"""
