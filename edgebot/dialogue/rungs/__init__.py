"""The rungs of the ladder of answers, one file each."""
