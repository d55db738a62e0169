"""Rectangles of a photo: box arithmetic, candidate views, options, ranking. Needs no torch."""
