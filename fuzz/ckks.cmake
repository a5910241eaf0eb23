# The readers of ciphertexts and evaluation keys; their corpora are the golden files of tests/ckks.
umbra_fuzz(fuzz_ciphertext SOURCES ckks/fuzz_ciphertext.c LINKS umbra_ckks CORPUS ckks/corpus/ciphertext)
umbra_fuzz(fuzz_keys SOURCES ckks/fuzz_keys.c LINKS umbra_ckks CORPUS ckks/corpus/keys)
