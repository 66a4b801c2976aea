#!/bin/sh
# Tomcat as Debian starts it, with a page that counts.
set -e
export CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=/var/lib/tomcat10 CATALINA_TMPDIR=/tmp JAVA_OPTS=-Djava.awt.headless=true
mkdir -p $CATALINA_BASE/webapps/app
cp /opt/count.jsp $CATALINA_BASE/webapps/app
exec sh /usr/libexec/tomcat10/tomcat-start.sh
