"""A server for WebSockets: in each connection, it answers a number with the sum of all numbers so far."""

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

app = FastAPI()


@app.websocket("/total")
async def total(link: WebSocket):
    await link.accept()
    total = 0
    try:
        while True:
            total += int(await link.receive_text())
            await link.send_text(str(total))
    except WebSocketDisconnect:
        pass
