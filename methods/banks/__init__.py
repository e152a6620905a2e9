"""Pretrained generators used as latent banks, one module each, behind `bench.contracts.Bank`."""
