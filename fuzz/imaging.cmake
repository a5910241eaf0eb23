# One target for each decoder; tests/imaging/make_corpus.c wrote the tiny files of their corpora.
foreach(format png jpeg tiff dicom)
    umbra_fuzz(fuzz_${format} SOURCES imaging/fuzz_${format}.c LINKS umbra_imaging
               CORPUS imaging/corpus/${format})
endforeach()
umbra_fuzz(fuzz_dicom_here SOURCES imaging/fuzz_dicom_here.cc LINKS umbra_imaging CORPUS imaging/corpus/dicom)
