#!/bin/sh
# A server of dc=example,dc=org, whose administrator has the password "secret". It starts as root and becomes openldap.
set -e
mkdir -p /var/lib/ldap/app
cat >/tmp/slapd.conf <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /run/slapd-app.pid
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
directory /var/lib/ldap/app
maxsize 104857600
CONF
chown -R openldap:openldap /var/lib/ldap/app
printf 'dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n' | slapadd -f /tmp/slapd.conf
chown -R openldap:openldap /var/lib/ldap/app
exec slapd -f /tmp/slapd.conf -u openldap -g openldap -h ldap:/// -d 0
