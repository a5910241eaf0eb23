umbra_fuzz(fuzz_plan SOURCES plan/fuzz_plan.c LINKS umbra_plan CORPUS corpus/plan)
umbra_fuzz(fuzz_profile SOURCES plan/fuzz_profile.c LINKS umbra_plan CORPUS corpus/profile)
