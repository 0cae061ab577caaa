"""What a person can press and see on the board: keys, buttons, lights."""
