"""Language-model engines, prompts and the cleaning of their text for speech."""
