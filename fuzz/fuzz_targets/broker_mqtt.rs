#![no_main]
mqspec_fuzz::target!(broker_mqtt);
