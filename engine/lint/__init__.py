"""Judgement over specs and plans before anything runs; pure."""
