#!/bin/sh
# A server whose user guest may come from the LAN.
echo 'loopback_users = none' >/etc/rabbitmq/rabbitmq.conf
exec rabbitmq-server
