umbra_fuzz(fuzz_plan SOURCES plan/fuzz_plan.c LINKS umbra_plan CORPUS corpus/plan)
