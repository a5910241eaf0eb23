umbra_fuzz(fuzz_envelope SOURCES fuzz_envelope.c LINKS umbra_wire CORPUS corpus/envelope)
