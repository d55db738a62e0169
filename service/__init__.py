"""The HTTP process around the View Ranking Network: HTTP -> decode -> batcher -> engine -> model.

Importing any module here has no effect; `service.composition` builds everything, `python -m vrn_cropper.service`
runs it.
"""
