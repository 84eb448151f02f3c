"""A small shop: orders, payments by card, stock, receipts. Several processes, twelve factors."""
