"""What happened, made readable: text, and HTTP exchanges in the format that Allure draws itself.

Nothing in here raises for what an entry holds: any bytes, any depth, any size become bounded,
printable text.
"""
