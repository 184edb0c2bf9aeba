#![no_main]
mqspec_fuzz::target!(log);
