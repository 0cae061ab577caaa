"""The knowledge base: SQLite store, ingestion, hybrid retrieval, extraction of answers."""
