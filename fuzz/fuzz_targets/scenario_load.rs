#![no_main]
mqspec_fuzz::target!(scenario_load);
