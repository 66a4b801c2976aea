"""
Each worker publishes persistent messages with confirms over one connection, and receives and acknowledges them over another one. Every
message comes once and in order.
"""

import pika

from load import address, expect, run

batch = 10
durable = pika.BasicProperties(delivery_mode=2)


def queue_of(worker):
    return f"work-{worker}"


def channel():
    login = pika.PlainCredentials("guest", "guest")
    return pika.BlockingConnection(pika.ConnectionParameters(address, credentials=login, socket_timeout=60)).channel()


def connect(worker):
    publisher, consumer = channel(), channel()
    publisher.confirm_delivery()
    publisher.queue_declare(queue_of(worker), durable=True)
    publisher.queue_purge(queue_of(worker))
    consumer.basic_qos(prefetch_count=batch)
    return publisher, consumer.consume(queue_of(worker), inactivity_timeout=60), consumer


def step(link, worker, i):
    publisher, deliveries, consumer = link
    for number in range(batch):
        # It returns once the server has confirmed, and raises if the server did not take the message.
        publisher.basic_publish("", queue_of(worker), f"{i}.{number}".encode(), durable, mandatory=True)
    for number in range(batch):
        delivery, _, body = next(deliveries)
        if delivery is None:
            raise TimeoutError(f"message {i}.{number} does not come")
        expect(body.decode() == f"{i}.{number}", f"message {i}.{number} was sent, {body} came")
        expect(not delivery.redelivered, f"message {i}.{number} came again")
        consumer.basic_ack(delivery.delivery_tag)


def finish(counts, errors):
    link = channel()
    for worker in range(len(counts)):
        left = link.queue_declare(queue_of(worker), passive=True).method.message_count
        expect(left == 0, f"{left} messages are left for worker {worker}")


run(connect, step, finish)
