"""Networks: the image autoencoder that stays in plaintext, and the classifiers that run encrypted."""
