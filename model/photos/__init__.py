"""From a photo file to the network's input: reading, colour, input shapes. Needs no torch."""
