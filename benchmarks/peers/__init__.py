"""This service beside what others would write or install for the same task, in one run on one machine."""
