"""What a stored event is: its canonical text, its seals and its digest. No I/O; every store's."""
