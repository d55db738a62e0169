"""The command line `vrn`: crops in process with the service's own decoder, batcher and engine, and starts the
rest. Importing it imports neither engine nor torch.
"""
