"""Networks, each built from its config dataclass and nothing else. Needs PyTorch."""
