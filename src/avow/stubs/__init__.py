"""Third parties stood in for: an HTTP server of its own, told what to answer, that writes down
every call.
"""
