"""The loop that closes itself: fresh rows, a new version, a trial, and a stage that moves."""
