#!/bin/sh
# usage: java.sh CLASS OPTION...: compiles the class in /opt and runs it with a heap of 256 MB.
set -e
class=$1
shift
lucene=/usr/share/java/lucene9.jar
javac -d /tmp/classes -cp $lucene -sourcepath /opt "/opt/$class.java"
exec java -Xmx256m -Dsun.net.httpserver.nodelay=true "$@" -cp /tmp/classes:$lucene "$class"
