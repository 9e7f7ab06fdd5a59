"""What a run spends and scores where nothing is said. Imports nothing, for the command line."""

SOURCE_STEPS, TARGET_STEPS = 400_000, 50_000
"""Published budgets of the training on a source and of the fine-tuning on a target."""
SAMPLE, PAIRS = 15_000, 1_000
"""Held-out rows, and interventions a factor, that are scored, at most."""
