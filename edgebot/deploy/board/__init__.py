"""What runs on the board: takes releases in, switches to them, goes back when they do not answer.

Standard library only, Python 3.11, no import from outside this folder: it is sent by itself, before
anything else is on the board, and must work when every release is broken. Its other end is
``edgebot/deploy/flash.py``; docs/flash.md tells it for people.
"""
