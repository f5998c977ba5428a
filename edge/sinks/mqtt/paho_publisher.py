"""MQTT 5 by paho: one fresh client per connection, so that its queues die with the connection and ours is the store."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.errors import UsageError
from edge.sinks.mqtt.credentials import credential
from edge.sinks.mqtt.publisher import FAILURE, Disconnected, Granted, Listener, Message
from edge.sinks.mqtt.settings import BrokerSettings, TlsSettings

_RECEIVE_MAXIMUM: Final = 20  # unacknowledged messages that the broker may send us


class PahoPublisher:
    """A connection to the broker in ``settings``.

    Args:
        client_id: identifies the session at the broker.
        session_expiry_s: how long the broker keeps the session after a loss; 0 starts a new one each time.
        manual_ack: a received message is only taken when ``acknowledge`` is called; else as soon as it was told.
    """

    def __init__(
        self, settings: BrokerSettings, client_id: str, *, session_expiry_s: int = 0, manual_ack: bool = False
    ) -> None:
        self._settings, self._client_id = settings, client_id
        self._session_expiry_s, self._manual_ack = session_expiry_s, manual_ack
        self._client: paho.Client | None = None
        self._connection: _Connection | None = None
        self._closed, self._serials = threading.Event(), itertools.count(1)

    def serve(self, listener: Listener, subscriptions: tuple[str, ...], will: Message | None) -> None:
        """See ``Publisher.serve``."""
        connection = _Connection(listener, subscriptions, next(self._serials) << 16)
        client = self._new_client(connection, will)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._session_expiry_s
        properties.ReceiveMaximum = _RECEIVE_MAXIMUM
        settings = self._settings
        try:
            client.connect(settings.host, settings.effective_port, settings.keepalive_s,
                           clean_start=self._session_expiry_s == 0, properties=properties)
        except (OSError, ValueError) as failure:
            raise Disconnected(f"cannot reach the broker: {_text(failure)}") from None
        self._connection, self._client = connection, client
        client.loop_start()
        try:
            if not connection.settled.wait(settings.connect_timeout_s):
                raise Disconnected("the broker does not answer")
            if self._closed.is_set():
                client.disconnect()
            connection.over.wait()
        finally:
            self._client = self._connection = None
            _cut(client)
            client.loop_stop()
        if not self._closed.is_set() or connection.refused:
            raise Disconnected(connection.why or "the connection was lost")

    def publish(self, message: Message) -> int:
        """See ``Publisher.publish``."""
        client, connection = self._client, self._connection
        if client is None or connection is None or not connection.settled.is_set() or connection.over.is_set():
            raise Disconnected("there is no connection")
        info = client.publish(message.topic, message.payload, message.qos, message.retain, _properties(message))
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise Disconnected(paho.error_string(info.rc))
        return connection.base | info.mid

    def acknowledge(self, message: Message) -> None:
        """See ``Publisher.acknowledge``."""
        client, connection = self._client, self._connection
        if client is None or connection is None or not self._manual_ack or not message.qos:
            return
        # A packet identifier means another message on another connection: that one must not count as taken.
        if message.handle & ~0xFFFF == connection.base:
            with contextlib.suppress(OSError, ValueError):
                client.ack(message.handle & 0xFFFF, message.qos)

    def close(self, grace_s: float) -> None:
        """See ``Publisher.close``."""
        self._closed.set()
        client, connection = self._client, self._connection
        if client is None or connection is None:
            return
        client.disconnect()
        if not connection.over.wait(grace_s):
            _cut(client)

    def _new_client(self, connection: _Connection, will: Message | None) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=paho.MQTTv5,
                             reconnect_on_failure=False, manual_ack=self._manual_ack)
        client.connect_timeout = self._settings.connect_timeout_s
        client.on_connect, client.on_disconnect = connection.on_connect, connection.on_disconnect
        client.on_subscribe, client.on_publish = connection.on_subscribe, connection.on_publish
        client.on_message = connection.on_message
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._settings.password())
        if self._settings.tls is not None:
            client.tls_set_context(tls_context(self._settings.tls))
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        return client


class _Connection:
    """paho's callbacks of one connection, turned into what the listener is told.

    base: told apart by it are tokens and handles of different connections, whose packet identifiers repeat.
    """

    def __init__(self, listener: Listener, subscriptions: tuple[str, ...], base: int) -> None:
        self._listener, self._subscriptions, self.base = listener, subscriptions, base
        self.settled, self.over, self.refused, self.why = threading.Event(), threading.Event(), False, ""
        self._granted = Granted(False, None)

    def on_connect(self, client: paho.Client, _: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self.refused, self.why = True, f"the broker refuses: {str(reason).lower()}"
            return
        self._granted = Granted(bool(flags.session_present), getattr(properties, "MaximumPacketSize", None))
        if self._subscriptions:
            # Retained as published: a command that was retained must be seen as such even when it is new.
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            client.subscribe([(topic, options) for topic in self._subscriptions])
        else:
            self._ready(())

    def on_subscribe(self, _c: paho.Client, _u: Any, _mid: int, reasons: Sequence[ReasonCode], _p: Any) -> None:
        self._ready(tuple(t for t, r in zip(self._subscriptions, reasons, strict=False) if r.is_failure))

    def _ready(self, refused: tuple[str, ...]) -> None:
        granted = self._granted
        self.settled.set()
        self._listener.connected(Granted(granted.resumed, granted.max_bytes, refused))

    def on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        properties = message.properties
        self._listener.received(Message(
            topic=topic, payload=bytes(message.payload), qos=1 if message.qos else 0, retain=bool(message.retain),
            content_type=getattr(properties, "ContentType", None),
            response_topic=getattr(properties, "ResponseTopic", None),
            correlation=getattr(properties, "CorrelationData", None),
            properties=tuple(getattr(properties, "UserProperty", ())), handle=self.base | message.mid,
        ))

    def on_publish(self, _c: paho.Client, _u: Any, mid: int, reason: ReasonCode, _p: Any) -> None:
        self._listener.acknowledged(self.base | mid, reason.value)

    def on_disconnect(self, _c: paho.Client, _u: Any, _flags: Any, reason: ReasonCode, _p: Any) -> None:
        if not self.why:
            told = reason.value >= FAILURE
            self.why = f"the connection was lost: {str(reason).lower()}" if told else "the connection was lost"
        self.over.set()
        self.settled.set()


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """A context that verifies the broker and its host name, with our certificate if there is one.

    Raises:
        UsageError: a file is missing or is no certificate or key.
    """
    ca_file, cert_file, key_file = (path and credential(path) for path in (tls.ca_file, tls.cert_file, tls.key_file))
    try:
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert_file is not None:
            context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as failure:
        raise UsageError("the certificates cannot be used", where=str(cert_file or ca_file),
                         expected="PEM files that belong together", found=_text(failure),
                         mend="mend ca_file, cert_file and key_file") from None
    return context


def _properties(message: Message) -> Properties | None:
    if not (message.content_type or message.properties or message.correlation or message.response_topic):
        return None
    properties = Properties(PacketTypes.PUBLISH)
    if message.content_type:
        properties.ContentType = message.content_type
    if message.response_topic:
        properties.ResponseTopic = message.response_topic
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    if message.properties:
        properties.UserProperty = list(message.properties)
    return properties


def _cut(client: paho.Client) -> None:
    """Take the socket away: what blocks in it comes back."""
    line = client.socket()
    if isinstance(line, socket.socket):  # a TLS socket is one
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _text(failure: BaseException) -> str:
    reason = getattr(failure, "strerror", None) or str(failure) or type(failure).__name__
    return " ".join(str(reason).split())
