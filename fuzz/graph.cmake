# The ONNX reader and everything that a model from outside reaches before a user sees an answer.
umbra_fuzz(fuzz_onnx SOURCES graph/fuzz_onnx.c LINKS umbra_plain umbra_graph CORPUS graph/corpus)
umbra_fuzz(fuzz_npy SOURCES graph/fuzz_npy.c LINKS umbra_graph CORPUS graph/corpus_npy)

# Writes the corpus anew; the files are kept in the tree so that a replay needs no generator.
if(TARGET umbra_graph_testing)
    add_executable(make_onnx_corpus EXCLUDE_FROM_ALL graph/make_onnx_corpus.c)
    umbra_options(make_onnx_corpus)
    target_link_libraries(make_onnx_corpus PRIVATE umbra_graph_testing)
endif()
