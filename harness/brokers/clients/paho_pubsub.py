"""Subscribes to sensors/temperature/room1, publishes a reading to it, and prints what comes back.

usage: paho_pubsub.py [HOST [PORT]]
"""
import queue
import sys

import paho.mqtt.client as mqtt

HOST = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else 1883
TOPIC = "sensors/temperature/room1"


def expect(events, wanted, what):
    """The next event, which has to be the wanted one: callbacks run in paho's own thread and only report."""
    try:
        event = events.get(timeout=5)
    except queue.Empty:
        sys.exit(f"{what}: nothing within 5 s")
    if event != wanted:
        sys.exit(f"{what}: {event} instead of {wanted}")


def round_trip(protocol, name, qos):
    events = queue.Queue()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="room1-display", protocol=protocol)
    client.on_connect = lambda client, userdata, flags, reason, properties: events.put(("connected", reason.value))
    client.on_subscribe = lambda client, userdata, mid, reasons, properties: events.put(
        ("subscribed", [reason.value for reason in reasons]))
    client.on_message = lambda client, userdata, message: events.put(
        ("message", message.topic, message.payload, message.qos))

    client.connect(HOST, PORT)
    client.loop_start()
    expect(events, ("connected", 0), f"{name}, CONNECT")
    client.subscribe(TOPIC, qos=qos)
    expect(events, ("subscribed", [qos]), f"{name}, SUBSCRIBE at QoS {qos}")
    publication = client.publish(TOPIC, "21.5", qos=qos)
    expect(events, ("message", TOPIC, b"21.5", qos), f"{name}, PUBLISH at QoS {qos}")
    publication.wait_for_publish(5)
    if not publication.is_published():
        sys.exit(f"{name}: the publication at QoS {qos} was not acknowledged within 5 s")
    client.disconnect()
    client.loop_stop()
    if not events.empty():
        sys.exit(f"{name}: one event too many: {events.get()}")
    print(f"{name}, QoS {qos}: {TOPIC} 21.5")


for protocol, name in [(mqtt.MQTTv311, "MQTT 3.1.1"), (mqtt.MQTTv5, "MQTT 5.0")]:
    for qos in (0, 1, 2):
        round_trip(protocol, name, qos)
print("ok")
