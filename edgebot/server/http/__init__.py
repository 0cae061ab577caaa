"""The HTTP door: API, events, web page, OpenAI-compatible API."""
