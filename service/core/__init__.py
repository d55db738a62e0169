"""The cropping core, free of any transport: threads, batcher, crop service, encode."""
