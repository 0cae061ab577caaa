"""Audio sources and sinks, resampling, tones."""
