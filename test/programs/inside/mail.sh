#!/bin/sh
# A mail server: postfix takes mail for the users user0 to user3, and dovecot gives it to them. Their password is "secret".
set -e
for i in 0 1 2 3; do
  useradd -m "user$i"
  echo "user$i:secret" | chpasswd
done
postconf -e myhostname=mail.example mydestination=mail.example mynetworks='127.0.0.0/8 10.88.0.0/24' home_mailbox=Maildir/ \
  inet_interfaces=all inet_protocols=ipv4 maillog_file=/var/log/mail.log alias_maps= alias_database= relayhost=
cat >/etc/dovecot/local.conf <<CONF
mail_driver = maildir
mail_path = ~/Maildir
mail_inbox_path = ~/Maildir
auth_allow_cleartext = yes
CONF
postfix start
exec dovecot -F
