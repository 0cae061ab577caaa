"""Understanding: sentence templates, intent classifier, slots."""
