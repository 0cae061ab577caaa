"""Sentence encoders: shared by understanding and knowledge through the ``Embedder`` port."""
