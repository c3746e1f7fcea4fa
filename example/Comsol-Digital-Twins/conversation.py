"""Websockets under gunicorn, which hands over the connection itself."""

from flask import Response, request
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, Ping, TextMessage


class Conversation(Response):
    """Answers every text message until the other side leaves."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.headers_received = [(name.encode(), value.encode()) for name, value in request.headers]

    def __call__(self, environ, start_response):
        connection, protocol = environ["gunicorn.socket"], WSConnection(ConnectionType.SERVER)
        protocol.initiate_upgrade_connection(self.headers_received, environ["PATH_INFO"])
        connection.sendall(protocol.send(AcceptConnection()))
        while protocol.state is not ConnectionState.CLOSED and (data := connection.recv(65536)):
            protocol.receive_data(data)
            for event in protocol.events():
                if isinstance(event, TextMessage):
                    connection.sendall(protocol.send(TextMessage(data=self.answer(event.data))))
                elif isinstance(event, Ping | CloseConnection):
                    connection.sendall(protocol.send(event.response()))
        # Gunicorn takes this as: answered already, close.
        raise StopIteration
