"""Batches (离线批次) from devices that were without a network."""
