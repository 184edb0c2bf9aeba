"""Binds two exclusive, server-named queues to a fanout exchange, publishes once, and prints what each gets.

usage: pika_fanout.py [HOST [PORT [USER [PASSWORD]]]]
"""
import sys

import pika

HOST, PORT, USER, PASSWORD = (sys.argv[1:] + ["127.0.0.1", "5672", "guest", "guest"][len(sys.argv) - 1:])[:4]
parameters = pika.ConnectionParameters(HOST, int(PORT), credentials=pika.PlainCredentials(USER, PASSWORD))

connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.exchange_declare(exchange="logs", exchange_type="fanout")

queues = []
for _ in range(2):
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    channel.queue_bind(exchange="logs", queue=queue)
    queues.append(queue)
if len(set(queues)) != 2 or "" in queues:
    sys.exit(f"the server did not name the queues: {queues}")

received = {queue: [] for queue in queues}


def on_message(channel, method, properties, body):
    received[method.consumer_tag].append((method.exchange, body))
    channel.basic_ack(method.delivery_tag)
    if all(received.values()):
        channel.stop_consuming()


for queue in queues:
    channel.basic_consume(queue=queue, on_message_callback=on_message, consumer_tag=queue)
channel.basic_publish(exchange="logs", routing_key="", body=b"Hello, everybody")

connection.call_later(5, channel.stop_consuming)
channel.start_consuming()
for queue, messages in received.items():
    if messages != [("logs", b"Hello, everybody")]:
        sys.exit(f"{queue}: unexpected messages: {messages}")
    print(f"{queue}: Hello, everybody")
channel.exchange_delete("logs")
connection.close()
print("ok")
