"""What requests have in common, as they are made and as recorded ones are read back, whatever their wire format."""
