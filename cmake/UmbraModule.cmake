# Targets that every module and every test share.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(UMBRA_WARNINGS_AS_ERRORS "Stop on the first warning" OFF)
option(UMBRA_FUZZ "Build the fuzz targets for libFuzzer (clang) instead of replaying their corpora" OFF)

option(UMBRA_HARDENING "Harden against hostile files: they are parsed beside the secret key" OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(UMBRA_HARDENING)
    add_compile_options(-fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
                        $<$<COMPILE_LANGUAGE:CXX>:-D_GLIBCXX_ASSERTIONS>)
    add_link_options(-pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()

set(UMBRA_C_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                     -Wvla)
set(UMBRA_CXX_WARNINGS -Wall -Wextra -Wshadow)
if(UMBRA_WARNINGS_AS_ERRORS)
    list(APPEND UMBRA_C_WARNINGS -Werror)
    list(APPEND UMBRA_CXX_WARNINGS -Werror)
endif()

function(umbra_options target)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/include
                                                 ${CMAKE_SOURCE_DIR}/src)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
    target_compile_options(
        ${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${UMBRA_C_WARNINGS}>
                          $<$<COMPILE_LANGUAGE:CXX>:${UMBRA_CXX_WARNINGS}>)
endfunction()

# umbra_module(NAME SOURCES file... [LINKS target...]): the static library umbra_NAME.
function(umbra_module name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
    add_library(umbra_${name} STATIC ${ARG_SOURCES})
    umbra_options(umbra_${name})
    target_link_libraries(umbra_${name} PUBLIC ${ARG_LINKS})
endfunction()

option(UMBRA_POISON "Mark secrets for valgrind (src/base/poison.h)" OFF)
if(UMBRA_POISON)
    find_program(UMBRA_VALGRIND NAMES valgrind REQUIRED)
    add_compile_definitions(UMBRA_POISON)
endif()

# umbra_valgrind_test(NAME TARGET): the test program TARGET once more, under valgrind, which knows no
# AVX-512 and has every branch on a poisoned secret reported as an error.
function(umbra_valgrind_test name target)
    add_test(NAME ${name} COMMAND ${UMBRA_VALGRIND} -q --error-exitcode=99 --track-origins=yes
                                  $<TARGET_FILE:${target}>
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "long;valgrind")
endfunction()

# umbra_test(NAME SOURCES file... [LINKS target...] [LABELS label...] [TIMEOUT seconds] [VALGRIND]): a
# cmocka program, run by CTest from the project's root so that tests find models/ and ../shared/data.
# VALGRIND adds the run NAME_valgrind where secrets are marked (preset "valgrind").
function(umbra_test name)
    cmake_parse_arguments(ARG "VALGRIND" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    umbra_options(${name})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${name} PRIVATE ${ARG_LINKS} PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    if(ARG_LABELS)
        set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
    endif()
    if(ARG_TIMEOUT)
        set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
    endif()
    if(ARG_VALGRIND AND UMBRA_POISON)
        umbra_valgrind_test(${name}_valgrind ${name})
    endif()
endfunction()
