"""The intent classifier: sentence embeddings, n-grams and a small head trained with numpy alone."""
