#!/bin/sh
# A server by itself, as the user zookeeper, with a folder of its own.
set -e
useradd --system --create-home --home-dir /var/lib/zookeeper zookeeper
printf 'dataDir=/var/lib/zookeeper\nclientPort=2181\nadmin.enableServer=false\n' >/etc/zoo.cfg
exec setpriv --reuid zookeeper --regid zookeeper --init-groups \
    java -cp /usr/share/java/zookeeper.jar org.apache.zookeeper.server.quorum.QuorumPeerMain /etc/zoo.cfg
