"""Each worker publishes to a topic of its own and receives from it, both with QoS 1. Every message comes once and in order."""

import queue

import paho.mqtt.client as mqtt

from load import address, expect, run


class Link:
    def __init__(self, worker):
        self.topic = f"work/{worker}"
        self.arrived = queue.Queue()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        self.client.on_message = lambda client, data, message: self.arrived.put(message.payload.decode())
        self.client.on_subscribe = lambda *_: self.arrived.put("subscribed")
        self.client.on_disconnect = lambda *_: self.arrived.put("the connection has ended")
        self.client.connect(address, keepalive=30)
        self.client.loop_start()
        self.client.subscribe(self.topic, qos=1)
        self.arrived.get(timeout=60)

    def exchange(self, text):
        receipt = self.client.publish(self.topic, text, qos=1)
        receipt.wait_for_publish(60)
        if not receipt.is_published():
            raise TimeoutError(f"message {text} is not acknowledged")
        return self.arrived.get(timeout=60)


def step(link, worker, i):
    came = link.exchange(str(i))
    if came == "the connection has ended":
        raise ConnectionError(came)
    expect(came == str(i), f"message {i} was sent, {came} came")
    expect(link.arrived.empty(), f"more came than message {i}")


run(Link, step)
