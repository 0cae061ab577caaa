"""Set-up of a checkout, run by ``make`` with the system's Python before anything is installed.

Standard library only. Every step leaves a stamp in the virtual environment, so that what is done
stays done: an interrupted set-up goes on where it stopped, a finished one costs nothing.
"""
