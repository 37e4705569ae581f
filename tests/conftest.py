"""Runs before all tests: the same surroundings for every kernel and every figure."""

import chapters

chapters.settle_environment()
