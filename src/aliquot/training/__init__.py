"""The workshop: data, losses, the one training loop. Needs PyTorch."""
