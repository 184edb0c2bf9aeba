#![no_main]
mqspec_fuzz::target!(differential_mqtt5);
