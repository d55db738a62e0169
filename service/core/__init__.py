"""The cropping core, free of any transport: decode, batcher, crop service, encode."""
