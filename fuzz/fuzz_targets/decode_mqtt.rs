#![no_main]
mqspec_fuzz::target!(decode_mqtt);
