"""Methods: one module or folder a method, its adapter and its network; `banks/` are shared."""
