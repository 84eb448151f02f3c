"""Measurements, side by side in one run. Each file's `main()` returns its rows."""
