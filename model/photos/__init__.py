"""From a photo file to the network's input: limits, reading, colour, input shapes. Needs no torch."""
